// Installs everything the commands need, inside this folder only, each step once.
import { existsSync } from "node:fs";
import { parseArgs } from "node:util";
import { commands } from "../commands.mjs";
import { bindingStamp, buildBinding } from "./binding.mjs";
import { chooseDevice, dryRun } from "./device.mjs";
import { installKernel, installPapermillPlugin, installSettings } from "./jupyter.mjs";
import { installNodePackages, installPythonPackages, makePythonEnvironment } from "./packages.mjs";
import { at } from "./paths.mjs";
import { minifyPlotly } from "./plotly.mjs";
import { checkNode, findCompiler, findPython } from "./requirements.mjs";
import { lock } from "./steps.mjs";
import { installTensorFlow } from "./tensorflow.mjs";

/**
 * Makes sure that packages, Python side, native binding, kernel and plotly are there and current.
 *
 * @param {import("./device.mjs").Device} [device] to run on from now on. Default: what was chosen before; the first
 *   time the GPU, if there is one
 */
export async function setup(device) {
	checkNode();
	// Before anything is downloaded, not after.
	if (!existsSync(at(".venv", ".stamps"))) findPython();
	if (!existsSync(bindingStamp)) findCompiler();
	const unlock = await lock();
	try {
		// The downloads do not depend on each other and take most of the time.
		const environment = makePythonEnvironment();
		const forBinding = [installNodePackages(), environment.then(installTensorFlow)];
		await Promise.all([environment.then(installPythonPackages), Promise.all(forBinding).then(buildBinding)]);
		await chooseDevice(device);
		await installKernel();
		await installSettings();
		await installPapermillPlugin();
		await minifyPlotly();
	} finally {
		unlock();
	}
}

/**
 * Runs `npm run setup`.
 *
 * @param {string[]} args
 */
export async function main(args) {
	const type = "boolean";
	const { values } = parseArgs({ args, options: { gpu: { type }, cpu: { type }, "dry-run": { type } } });
	if (values.gpu && values.cpu) throw new Error(`--gpu and --cpu: expected one of them: ${commands.setup.usage}`);
	if (values["dry-run"]) return dryRun();
	await setup(values.gpu ? "gpu" : values.cpu ? "cpu" : undefined);
}

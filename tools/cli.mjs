// Runs a command: `node tools/cli.mjs <command> [arguments…]`, as the npm scripts do.
// Plain Node, since nothing may be installed yet: help and unknown commands are answered first, then set-up makes sure
// that everything is there, then the command runs in this process.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { findCommand, help, listOfCommands } from "./commands.mjs";
import { endWithNpm } from "./setup/npm.mjs";
import { at } from "./setup/paths.mjs";
import { quietTensorFlow, run } from "./setup/processes.mjs";

/** @typedef {{ main: (args: string[]) => Promise<void> }} CommandModule */

/**
 * @param {string | undefined} name
 * @param {string[]} args
 */
async function main(name, args) {
	if (name === undefined || isHelp(name)) return console.log(listOfCommands());
	const command = findCommand(name);
	endWithNpm();
	const end = args.indexOf("--");
	if (args.slice(0, end === -1 ? args.length : end).some(isHelp)) return console.log(help(command));
	// A program reads what --json prints: what the command says on the way goes elsewhere.
	if (args.includes("--json")) console.log = console.error;
	if (args.includes("--quiet")) console.log = () => {};
	if (!command.setsUp) await setUp(args.includes("--quiet"));
	if (command.tensorflow) Object.assign(process.env, quietTensorFlow);
	const module = at("tools", command.module);
	const { main } = await load(module);
	await main(args);
}

/**
 * Sets up without a word on standard output, which a program may read.
 *
 * @param {boolean} isQuiet
 */
async function setUp(isQuiet) {
	const { setup } = await import("./setup/setup.mjs");
	const { log } = console;
	if (!isQuiet) console.log = console.error;
	await setup();
	console.log = log;
}

/** @param {string} arg */
const isHelp = (arg) => arg === "--help" || arg === "-h";

/**
 * Loads a command's module. TypeScript is loaded as CommonJS, which `src/` is written for.
 *
 * @param {string} file
 * @returns {Promise<CommandModule>}
 */
async function load(file) {
	if (!file.endsWith(".ts")) return import(pathToFileURL(file).href);
	const require = createRequire(import.meta.url);
	require(at("src", "support", "tsx.cjs"));
	return require(file);
}

const [name, ...args] = process.argv.slice(2);
await run(() => main(name, args));

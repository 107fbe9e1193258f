// Child processes, and commands that end with one line when something is wrong.
import { spawn, spawnSync } from "node:child_process";
import { constants } from "node:os";
import { root } from "./paths.mjs";
import { messageOf, printableLines } from "./text.mjs";

/** @typedef {import("node:child_process").ChildProcess} ChildProcess */
/** @typedef {{ env?: NodeJS.ProcessEnv }} Options */

/**
 * The environment in which TensorFlow reports only what is fatal: notes on the processor and on each damaged file
 * would come between a command's own lines. Must be set before TensorFlow is loaded.
 */
export const quietTensorFlow = { TF_CPP_MIN_LOG_LEVEL: "3" };

/**
 * Prints what is wrong, in the user's words, and ends the command: with exit code 1, or the one that it has set.
 *
 * @param {string} message
 * @returns {never}
 */
export function fail(message) {
	console.error(printableLines(message));
	process.exit(Number(process.exitCode) || 1);
}

/**
 * Runs `main`, turning any error it throws into its message. `DEBUG=1` shows the stack.
 *
 * @param {() => unknown} main
 */
export async function run(main) {
	try {
		await main();
	} catch (error) {
		if (process.env.DEBUG) console.error(error);
		fail(messageOf(error));
	}
}

/** @type {NodeJS.Signals[]} */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"];

/**
 * The exit code of a program that a signal ended.
 *
 * @param {NodeJS.Signals} signal
 */
const exitCodeOf = (signal) => 128 + constants.signals[signal];

/**
 * Runs a program in the user's terminal. Signals are passed on to it; when one has ended it, the command ends too.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {Options} options
 * @returns {Promise<number>} its exit code
 */
export function runInTerminal(command, args, options = {}) {
	return new Promise((resolve, reject) => {
		const child = spawn(command, args, { cwd: root, stdio: "inherit", ...options });
		/** @type {NodeJS.Signals | null} */
		let passed = null;
		/** @param {NodeJS.Signals} signal */
		const pass = (signal) => {
			// Ctrl-C reaches the child by itself, and JupyterLab takes a second one for "without asking".
			if (signal === "SIGINT" && isInTerminal()) return;
			passed = signal;
			// At SIGHUP programs end at once, and leave behind what they have started.
			child.kill(signal === "SIGHUP" ? "SIGTERM" : signal);
		};
		for (const signal of SIGNALS) process.on(signal, pass);
		child.on("error", reject);
		child.on("exit", (code, signal) => {
			const ended = passed ?? signal;
			// Not returned: the caller would go on with what comes after the child.
			if (ended) process.exit(exitCodeOf(ended));
			for (const signal of SIGNALS) process.off(signal, pass);
			resolve(code ?? 1);
		});
	});
}

/** Whether the keyboard's signals reach this process. */
const isInTerminal = () => [process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY);

/**
 * What `runQuietly` has started. None of it may continue to write when this process has ended.
 *
 * One set for the whole process: tsx loads a second copy of this file for the commands in TypeScript, and two listeners
 * would each take the other for one that ends the process.
 *
 * @type {Set<ChildProcess>}
 */
const children = sharedOnce("image-classification.children", () => {
	/** @type {Set<ChildProcess>} */
	const started = new Set();
	process.on("exit", () => {
		for (const child of started) child.kill("SIGKILL");
	});
	for (const signal of SIGNALS) {
		process.on(signal, () => {
			// Another listener has a child to end, or to wait for, first.
			if (started.size > 0 || process.listenerCount(signal) === 1) process.exit(exitCodeOf(signal));
		});
	}
	return started;
});

/**
 * A value that all copies of this file share.
 *
 * @template T
 * @param {string} name
 * @param {() => T} make
 * @returns {T}
 */
function sharedOnce(name, make) {
	const shared = /** @type {Record<symbol, T>} */ (/** @type {unknown} */ (globalThis));
	shared[Symbol.for(name)] ??= make();
	return shared[Symbol.for(name)];
}

/**
 * Runs a program without showing its output.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {Options} options
 * @returns {Promise<string>} the end of its output
 * @throws with the end of its output, when it fails
 */
export function runQuietly(command, args, options = {}) {
	return new Promise((resolve, reject) => {
		const child = spawn(command, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"], ...options });
		children.add(child);
		let output = "";
		/** @param {Buffer} chunk */
		const collect = (chunk) => {
			output = (output + chunk).slice(-8000);
		};
		child.stdout?.on("data", collect);
		child.stderr?.on("data", collect);
		child.on("error", reject);
		child.on("exit", (code) => {
			children.delete(child);
			if (code === 0) return resolve(output);
			const tail = output.trimEnd().split("\n").slice(-15).join("\n  ");
			reject(new Error(`\`${[command, ...args].join(" ")}\` failed (exit ${code}):\n  ${tail}`));
		});
	});
}

/**
 * The standard output of a program, or null when it cannot be run or fails.
 *
 * @param {string} command
 * @param {string[]} args
 */
export function outputOf(command, args) {
	const result = spawnSync(command, args, { encoding: "utf8" });
	return result.status === 0 ? result.stdout.trim() : null;
}

/** The user's Chromium or Chrome, or undefined. */
export const browserCommand = () =>
	["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"].find(
		(command) => outputOf(command, ["--version"]) !== null,
	);

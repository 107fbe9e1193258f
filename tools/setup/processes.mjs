// What the commands share: places, child processes, one-line failures.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const at = (...parts) => join(root, ...parts);
export const python = at(".venv", "bin", "python");

/** The environment for Python: a tslab kernel of the user's own must not come before the one in `.venv`. */
export const pythonEnvironment = { ...process.env, JUPYTER_PREFER_ENV_PATH: "1" };

/** A path that the user typed: npm runs commands in the project's root and says in INIT_CWD where they were typed. */
export const fromHere = (path) => resolve(process.env.INIT_CWD ?? ".", path);

/** A path as short as it is clear: relative only to what lies below the user's folder. */
export const shown = (path) => {
	const short = relative(fromHere("."), path);
	return short === "" || short.startsWith("..") ? path : short;
};

/** Says what is wrong in the user's words and ends the command. */
export function fail(message) {
	console.error(message);
	process.exit(1);
}

/** Runs `main`, turning any error it throws into its one-line message. `DEBUG=1` shows the stack. */
export async function run(main) {
	try {
		await main();
	} catch (error) {
		if (process.env.DEBUG) console.error(error);
		fail(error.message);
	}
}

/** The number that was given with a flag. */
export function wholeNumber(flag, text) {
	const number = Number(text);
	if (Number.isInteger(number) && number > 0) return number;
	throw new Error(`${flag} ${text}: expected a whole number above 0`);
}

/** Runs a program in the user's terminal and resolves to its exit code (130 when it was interrupted). */
export function runInTerminal(command, args, options = {}) {
	return new Promise((resolve, reject) => {
		const child = spawn(command, args, { cwd: root, stdio: "inherit", ...options });
		// Ctrl-C reaches the child by itself; this process waits for it to finish tidily.
		const wait = () => {};
		process.on("SIGINT", wait);
		child.on("error", reject);
		child.on("exit", (code, signal) => {
			process.off("SIGINT", wait);
			resolve(signal ? 130 : code);
		});
	});
}

/** What `runQuietly` has under way. None of it may go on writing when this process has ended. */
const children = new Set();
process.on("exit", () => {
	for (const child of children) child.kill("SIGKILL");
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
	process.on(signal, () => {
		// Where there is another listener it has a child to end, or to wait for, first.
		if (children.size > 0 || process.listenerCount(signal) === 1) process.exit(130);
	});
}

/** Runs a program quietly; throws with the end of its output when it fails. */
export function runQuietly(command, args, options = {}) {
	return new Promise((resolve, reject) => {
		const child = spawn(command, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"], ...options });
		children.add(child);
		let output = "";
		const collect = (chunk) => {
			output = (output + chunk).slice(-8000);
		};
		child.stdout.on("data", collect);
		child.stderr.on("data", collect);
		child.on("error", reject);
		child.on("exit", (code) => {
			children.delete(child);
			if (code === 0) return resolve(output);
			const tail = output.trimEnd().split("\n").slice(-15).join("\n  ");
			reject(new Error(`\`${[command, ...args].join(" ")}\` failed (exit ${code}):\n  ${tail}`));
		});
	});
}

/** The standard output of a program, or null when it cannot be run or fails. */
export function outputOf(command, args) {
	const result = spawnSync(command, args, { encoding: "utf8" });
	return result.status === 0 ? result.stdout.trim() : null;
}

/** The user's Chromium or Chrome, or undefined. */
export const browserCommand = () =>
	["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"].find(
		(command) => outputOf(command, ["--version"]) !== null,
	);

/** The folder of the wheel with TensorFlow's libraries and headers, or null. */
export function tensorflowDir() {
	const lib = at(".venv", "lib");
	if (!existsSync(lib)) return null;
	for (const version of readdirSync(lib)) {
		const dir = join(lib, version, "site-packages", "tensorflow");
		if (existsSync(dir)) return dir;
	}
	return null;
}

/** The name of the TensorFlow wheel's folder of metadata, which ends in its version: `tensorflow_cpu-2.21.0.dist-info`. */
export const tensorflowWheel = () =>
	readdirSync(dirname(tensorflowDir())).find((name) => /^tensorflow.*\.dist-info$/.test(name));

/** The notebooks' names, in order. */
export const notebooks = () =>
	readdirSync(at("notebooks"))
		.filter((name) => /^\d\d-.*\.ipynb$/.test(name))
		.sort()
		.map((name) => name.replace(/\.ipynb$/, ""));

/** Whether adding, dropping or changing at most `edits` letters turns `a` into `b`. */
export function isNear(a, b, edits) {
	if (edits < 0) return false;
	if (a === "" || b === "") return a.length + b.length <= edits;
	const [restA, restB] = [a.slice(1), b.slice(1)];
	if (a[0] === b[0]) return isNear(restA, restB, edits);
	return isNear(restA, restB, edits - 1) || isNear(restA, b, edits - 1) || isNear(a, restB, edits - 1);
}

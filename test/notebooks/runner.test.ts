// `tools/report/run_notebooks.py`, which `npm start` runs: kernels that die, and commands that die.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { notebookOf, root, runnerJob, temporaryFolder } from "../helpers";
import { isRunning, until } from "../processes";

const command = [join(root, ".venv", "bin", "python"), join(root, "tools", "report", "run_notebooks.py")];
const env = { ...process.env, JUPYTER_PREFER_ENV_PATH: "1" };

/** Writes a notebook of these cells, and returns what the runner is told to do with it. */
function jobOf(...sources: string[]) {
	const folder = temporaryFolder();
	const source = join(folder, "dies.ipynb");
	writeFileSync(source, notebookOf(...sources));
	const reports = join(folder, "reports");
	return { page: join(reports, "dies.html"), reports, job: runnerJob("dies", source, reports) };
}

function run(options: string, ...cells: string[]) {
	const { page, reports, job } = jobOf(...cells);
	const { status, stdout, stderr } = spawnSync(command[0], command.slice(1), {
		input: job,
		encoding: "utf8",
		env: { ...env, NODE_OPTIONS: options },
	});
	const log = readFileSync(join(reports, "kernel.log"), "utf8");
	return { status, lines: (stdout + stderr).trim().split("\n"), page: readFileSync(page, "utf8"), log };
}

/** Runs cells in a terminal, and returns what it was sent. */
function onTerminal(...cells: string[]): string {
	const { reports, job } = jobOf(...cells);
	const file = join(reports, "..", "job.json");
	writeFileSync(file, job);
	const spawned = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
	const shell = ["sh", "-c", `stty cols 120; "${command[0]}" "${command[1]}" < "${file}"`];
	const { status, stdout } = spawnSync(command[0], ["-c", spawned, ...shell], { encoding: "utf8", env });
	assert.equal(status, 0, stdout);
	return stdout;
}

describe("a kernel that dies in a run", () => {
	const deaths: [what: string, cell: string, cause: RegExp][] = [
		["is killed", 'process.kill(process.pid, "SIGKILL");', /was killed \(SIGKILL\), as .* when memory runs out/],
		[
			"uses up V8's memory",
			"const all: number[][] = [];\nfor (;;) all.push(new Array(1000).fill(0.5));",
			/heap out of memory/,
		],
		["is told to end", 'process.kill(process.pid, "SIGTERM"); await new Promise(() => {});', /ended by signal SIGTERM/],
	];
	for (const [what, cell, cause] of deaths) {
		test(`because it ${what}: three lines name the cell, the cause and the log, and the page is there`, () => {
			const { status, lines, page } = run("--max-old-space-size=150", '"as far " + "as it ran"', cell, '"never"');
			assert.equal(status, 1);
			const [first] = cell.split("\n");
			const [failure, where, ...more] = lines.slice(1).filter((line) => line !== "");
			assert.ok(failure.startsWith(`dies, cell [2] \`${first}\`: DeadKernelError: the kernel `), lines.join("\n"));
			assert.match(failure, cause);
			assert.match(where, /^The notebook as far as it ran: .*dies\.html$/);
			assert.match(more.join("\n"), /^What TensorFlow and the kernel printed: .*kernel\.log$/);
			assert.ok(page.includes("as far as it ran"));
			assert.match(page, cause);
		});
	}

	test("has what it prints by itself in a log, not among the progress", () => {
		const printed = run(
			"",
			'process.emitWarning("by itself"); await null;',
			'require("fs").writeSync(2, "as TensorFlow\\n");',
		);
		assert.equal(printed.status, 0, printed.lines.join("\n"));
		assert.match(printed.log, /^as TensorFlow$/m);
		assert.match(printed.lines.join("\n"), /^1\/1 dies {2}\d+ s$/);
	});

	test("is one line, which a terminal shows while the notebook runs", () => {
		const stdout = onTerminal("1 + 1", "2 + 2");
		const lines = stdout.split(/[\r\n]+/).map((line) => line.replace("\x1b[K", ""));
		assert.ok(lines.includes("1/1 dies  starting  0 s"), stdout);
		assert.ok(
			lines.some((line) => /^1\/1 dies {2}\[#####-----\] cell 2\/2 {2}\d+ s$/.test(line)),
			stdout,
		);
		assert.match(lines.filter(Boolean).at(-1) as string, /^1\/1 dies {2}\d+ s$/);
	});

	test("has what the running cell has shown last", () => {
		const cell = `const later = (text: string) => new Promise((done) => { console.log(text); setTimeout(done, 1500); });
await later("noise\\nseed 1 of 2"); await later("seed 2 of 2");`;
		const stdout = onTerminal(cell);
		for (const text of ["seed 1 of 2", "seed 2 of 2"])
			assert.match(stdout, new RegExp(`cell 1/1 {2}${text} {2}\\d+ s`));
	});

	test("does not die of process.exit, which is a failure of the cell unless the code is 0", () => {
		const failed = run("", "process.exit(3)", '"never"');
		assert.equal(failed.status, 1);
		assert.ok(failed.lines.includes("dies, cell [1] `process.exit(3)`: SystemExit: 3"), failed.lines.join("\n"));
		const { status, lines } = run("", '"so far"', "process.exit()", '"never"');
		assert.equal(status, 0, lines.join("\n"));
	});
});

test("when the command that started it is killed, the runner and the kernel end", async () => {
	const folder = temporaryFolder();
	const file = join(folder, "pid");
	const { job } = jobOf(
		`import { writeFileSync } from "node:fs";\nwriteFileSync(${JSON.stringify(file)}, String(process.pid)); for (;;) {}`,
	);
	// As report.ts does it.
	const script = `
		const child = require("node:child_process").spawn(${JSON.stringify(command[0])}, ${JSON.stringify(command.slice(1))}, {
			stdio: ["pipe", "ignore", "ignore"],
			detached: true,
		});
		child.stdin.end(${JSON.stringify(job)});
		console.log(child.pid);
		setInterval(() => {}, 1000);`;
	const starter = spawn("node", ["-e", script], { stdio: ["ignore", "pipe", "inherit"], env });
	const [runner] = (await once(starter.stdout, "data")).map(Number);
	await until("the cell runs", () => existsSync(file) && readFileSync(file, "utf8") !== "");
	const kernel = Number(readFileSync(file, "utf8"));
	assert.ok(isRunning(runner) && isRunning(kernel));
	starter.kill("SIGKILL");
	await until("both have ended", () => !isRunning(runner) && !isRunning(kernel), 20);
});

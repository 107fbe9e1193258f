// The kernel among other processes: those that its cells start, and the one that it was started by.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { root, temporaryFolder } from "../helpers";
import { isRunning, until } from "../processes";
import { argv, project, type Result, runCells, shown } from "./run-cells";

describe("an interrupt of a cell that waits for a program", () => {
	let results: Result[];
	const waits = [
		'execSync("sleep 60")',
		'await null; execSync("sleep 60")',
		'const child = spawn("sleep", ["60"]); await once(child, "exit")',
		'const shell = exec("sleep 60 | cat"); await once(shell, "exit")',
	];
	before(() => {
		const imports = `import { exec, execSync, spawn } from "node:child_process"; import { once } from "node:events"; import { setTimeout as wait } from "node:timers/promises";`;
		results = runCells("ours", project(), [
			imports,
			...waits.map((code) => ({ code, interrupt: [0.7] })),
			'while (child.signalCode === null || shell.exitCode === null && shell.signalCode === null) await wait(20); "both ended"',
		]);
	});

	test("ends the program and the cell", () => {
		for (const [i, code] of waits.entries()) {
			assert.deepEqual(results[i + 1].error?.traceback, ["Interrupted"], code);
			assert.ok(results[i + 1].seconds < 30, code);
		}
	});

	test("leaves no program behind that a cell awaited", () => {
		const last = results.at(-1) as Result;
		assert.equal(shown(last), "both ended", last.error?.evalue);
	});
});

describe("a kernel whose client is killed", () => {
	/** Starts a kernel that is busy, kills the process that started it, and returns the kernel and a child of its cell. */
	async function orphan(code: (write: string) => string, independent: boolean) {
		const folder = project();
		const file = join(temporaryFolder(), "pid");
		const write = `const child = spawn("sleep", ["300"]); writeFileSync(${JSON.stringify(file)}, String(child.pid));`;
		const imports = 'import { spawn } from "node:child_process"; import { writeFileSync } from "node:fs";';
		const job = {
			argv: ["node", ...argv.ours, "{connection_file}"],
			cwd: join(folder, "notebooks"),
			code: `${imports} ${code(write)}`,
			independent,
		};
		const args = [join(__dirname, "kernel-process.py"), JSON.stringify(job)];
		const client = spawn(join(root, ".venv", "bin", "python"), args, { stdio: ["ignore", "pipe", "ignore"] });
		const [line] = (await once(client.stdout, "data")) as [Buffer];
		const { pid } = JSON.parse(String(line)) as { pid: number };
		await until("the cell runs", () => existsSync(file) && readFileSync(file, "utf8") !== "");
		client.kill("SIGKILL");
		return { kernel: pid, child: Number(readFileSync(file, "utf8")) };
	}

	type Code = (write: string) => string;
	const waiting: Record<string, Code> = {
		"computes without an await": (write) => `${write} for (;;) {}`,
		"waits for a program": (write) => `${write} import { execSync } from "node:child_process"; execSync("sleep 300");`,
		awaits: (write) => `${write} await new Promise(() => {});`,
	};
	for (const [what, code] of Object.entries(waiting)) {
		test(`ends, with what its cell has started, while it ${what}`, async () => {
			const { kernel, child } = await orphan(code, false);
			await until("both have ended", () => !isRunning(kernel) && !isRunning(child), 20);
		});
	}

	test("goes on if it is to outlive its client", async () => {
		const { kernel } = await orphan((write) => `${write} await new Promise(() => {});`, true);
		await setTimeout(3000);
		assert.ok(isRunning(kernel));
		process.kill(-kernel, "SIGKILL");
	});
});

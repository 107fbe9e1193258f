// Sweeps and workers that are ended by a signal: their trial processes end too, and the sweep can be resumed.
import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { root, smallDataset, smallSpace, temporaryFolder } from "../helpers";
import { freePort, startRedis } from "../servers";

const skip = spawnSync("redis-server", ["--version"]).status === 0 ? false : "redis-server is not installed";

const childrenOf = (pid: number) =>
	String(spawnSync("pgrep", ["-P", String(pid)]).stdout)
		.split("\n")
		.filter(Boolean)
		.map(Number);

const isAlive = (pid: number) => {
	try {
		return process.kill(pid, 0);
	} catch {
		return false;
	}
};

async function until(holds: () => boolean, what: () => string): Promise<void> {
	for (let i = 0; i < 1200 && !holds(); i++) await setTimeout(50);
	assert.ok(holds(), what());
}

describe("a signal", () => {
	const dataset = smallDataset();
	const started: ChildProcess[] = [];
	after(() => {
		for (const child of started) child.kill("SIGKILL");
	});
	const start = (args: string[], env: NodeJS.ProcessEnv = {}) => {
		const cli = join(root, "tools", "cli.mjs");
		const child = spawn(process.execPath, [cli, ...args], { cwd: root, env: { ...process.env, ...env } });
		started.push(child);
		const output: string[] = [];
		for (const stream of [child.stdout, child.stderr]) stream?.on("data", (text) => output.push(String(text)));
		return { child, pid: child.pid as number, output };
	};
	/** A file of a sweep that does not end by itself. */
	const endlessSweep = () => {
		const folder = temporaryFolder();
		const file = join(folder, "sweep.json");
		const space = { ...smallSpace, epochs: 100_000, patience: 100_000 };
		writeFileSync(file, JSON.stringify({ space, dataset, folder: join(folder, "sweeps"), trials: 4, threads: 1 }));
		return { file, folder: join(folder, "sweeps") };
	};
	/** Ends a program, and checks that what it has started ends too. */
	const end = async ({ child, pid }: ReturnType<typeof start>, signal: NodeJS.Signals) => {
		const trials = childrenOf(pid);
		assert.ok(trials.length >= 2, "two trials, and what translates TypeScript");
		const ended = once(child, "exit");
		child.kill(signal);
		const [code, by] = await ended;
		await until(
			() => !trials.some(isAlive),
			() => `after ${signal} trial processes go on`,
		);
		return by ?? code;
	};

	for (const signal of ["SIGTERM", "SIGHUP", "SIGKILL"] as const) {
		test(`${signal} ends a sweep and its trials, which the same command resumes`, async () => {
			const { file, folder } = endlessSweep();
			const backups = () => {
				const [name] = existsSync(folder) ? readdirSync(folder) : [];
				const found = name && join(folder, name, "backups");
				return found && existsSync(found) ? readdirSync(found).filter((backup) => /^\d+$/.test(backup)) : [];
			};
			const sweep = start(["sweep", file, "--workers", "2"]);
			await until(
				() => backups().length === 2,
				() => sweep.output.join(""),
			);
			assert.notEqual(await end(sweep, signal), 0);
			assert.deepEqual(backups(), ["0000", "0001"], "checkpoints to resume from");
		});
	}

	test("SIGTERM ends a worker and its trials, and removes its folder", { skip }, async () => {
		const port = await freePort();
		const server = await startRedis(temporaryFolder(), port);
		started.push(server);
		const redis = ["--redis", `redis://127.0.0.1:${port}`];
		const home = join(temporaryFolder(), "tmp");
		mkdirSync(home);
		const worker = start(["worker", ...redis, "--dataset", dataset, "--workers", "2"], { TMPDIR: home });
		const sweep = start(["sweep", endlessSweep().file, ...redis]);
		const checkpoints = () =>
			readdirSync(home, { recursive: true, encoding: "utf8" }).filter((name) => /[0-9a-f]{16}-[01]$/.test(name));
		await until(
			() => checkpoints().length === 2,
			() => [...worker.output, ...sweep.output].join(""),
		);
		assert.notEqual(await end(worker, "SIGTERM"), 0);
		assert.deepEqual(
			readdirSync(home).filter((name) => name.startsWith("trials-")),
			[],
		);
		const ended = once(sweep.child, "exit");
		sweep.child.kill("SIGTERM");
		await ended;
	});
});

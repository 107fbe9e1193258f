// `node tools/cli.mjs`: help and mistakes before anything is installed, errors in one line, signals.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { commands, listOfCommands } from "../../tools/commands.mjs";
import { declaredBy, notebookNames } from "../../tools/jupyter/notebooks.mjs";
import { testFiles } from "../../tools/run/test.mjs";
import { lock } from "../../tools/setup/steps.mjs";
import { isNear, nearest, toFlag } from "../../tools/setup/text.mjs";
import { root, temporaryFolder } from "../helpers";
import { isRunning, until } from "../processes";

function cli(folder: string, args: string[], env: NodeJS.ProcessEnv = {}) {
	const options = { cwd: folder, encoding: "utf8", env: { ...process.env, DEBUG: "", ...env } } as const;
	return spawnSync("node", [join(folder, "tools", "cli.mjs"), ...args], options);
}

/** Copies what commands need before anything is installed. */
function bareCopy(): string {
	const folder = temporaryFolder();
	for (const name of ["tools", "notebooks", "package.json"])
		cpSync(join(root, name), join(folder, name), { recursive: true });
	return folder;
}

test("every npm script is a command of that name", () => {
	const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
	const expected = Object.keys(commands).map((name) => [name, `node tools/cli.mjs ${name}`]);
	assert.deepEqual(new Map(Object.entries(scripts)), new Map(expected as [string, string][]));
});

describe("before anything is installed", () => {
	const bare = bareCopy();
	const files = readdirSync(bare);
	const untouched = () => assert.deepEqual(readdirSync(bare), files);

	for (const [name, { usage }] of Object.entries(commands)) {
		test(`${name} --help answers`, () => {
			for (const args of [
				[name, "--help"],
				[name, "-h"],
				[name, "--quick", "x", "--help"],
			]) {
				const { status, stdout, stderr } = cli(bare, args);
				assert.deepEqual([status, stderr], [0, ""]);
				assert.ok(stdout.startsWith(`${usage}\n\n`), stdout);
			}
			untouched();
		});
	}

	test("the help of start and report has each declared parameter with its default", () => {
		for (const name of ["start", "report"]) {
			const { stdout } = cli(bare, [name, "--help"]);
			const declared = notebookNames().flatMap((notebook) => [...declaredBy(notebook)]);
			for (const [parameter, { value, comment }] of declared) {
				const line = stdout.split("\n").find((line) => line.trim().startsWith(`${toFlag(parameter)} `));
				assert.ok(line?.includes(String(value).replace("../", "")), `${name}: ${parameter}`);
				assert.ok(line?.includes(comment ?? ""), `${name}: ${parameter}`);
			}
		}
	});

	test("an unknown command is refused with the one that was meant, and the list of all", () => {
		const { status, stdout, stderr } = cli(bare, ["reprot", "--pdf"]);
		assert.deepEqual([status, stdout], [1, ""]);
		assert.equal(stderr, `there is no command reprot: did you mean report?\n${listOfCommands()}\n`);
		assert.match(cli(bare, ["toString"]).stderr, /^there is no command toString\n/);
		untouched();
	});

	test("without a command all are listed", () => {
		for (const args of [[], ["--help"], ["-h"]]) {
			const { status, stdout } = cli(bare, args);
			assert.deepEqual([status, stdout], [0, `${listOfCommands()}\n`]);
		}
		for (const { summary } of Object.values(commands)) assert.ok(listOfCommands().includes(summary));
		untouched();
	});
});

test("set-up prints nothing to standard output, which a program may read", () => {
	const folder = bareCopy();
	const setup = "export const setup = () => console.log('setup: packages …');";
	writeFileSync(join(folder, "tools", "setup", "setup.mjs"), setup);
	const command = ["test", "nothing.test.ts"];
	const missing = "nothing.test.ts: there is no such test file\n";
	for (const [args, said] of [
		[command, `setup: packages …\n${missing}`],
		[[...command, "--quiet"], missing],
	] as const) {
		const { stdout, stderr } = cli(folder, [...args]);
		assert.deepEqual([stdout, stderr], ["", said]);
	}
});

test("what comes after -- is not taken as a request for help", () => {
	const { status, stderr } = cli(root, ["bench", "--", "--help"]);
	assert.deepEqual([status, stderr.split(":")[0]], [1, "there is no benchmark --help"]);
});

test("a command's error is one line, and with DEBUG=1 its stack", () => {
	const { status, stdout, stderr } = cli(root, ["bench", "nonsense"]);
	assert.deepEqual([status, stdout], [1, ""]);
	assert.match(stderr, /^there is no benchmark nonsense: expected kernel, pipeline, .*npm run bench -- .*\n$/);
	assert.match(cli(root, ["bench", "nonsense"], { DEBUG: "1" }).stderr, /^Error: .*\n +at .*bench\.ts:\d+/);
});

test("a command's exit code is that of cli.mjs", () => {
	const folder = temporaryFolder();
	const tests = {
		passes: [0, 'test("passes", () => {})'],
		fails: [1, 'test("fails", () => { throw new Error(); })'],
		todo: [0, 'test("is to be written", { todo: true }, () => { throw new Error(); })'],
	} as const;
	for (const [name, [code, source]] of Object.entries(tests)) {
		const file = join(folder, `${name}.test.mjs`);
		writeFileSync(file, `import { test } from "node:test"; ${source};`);
		// With it, node skips test files that a test starts.
		assert.equal(cli(root, ["test", file], { NODE_TEST_CONTEXT: undefined }).status, code, name);
	}
});

test("npm test runs the tests in all folders", () => {
	assert.ok(testFiles().includes(__filename));
	assert.ok(testFiles().every((file) => existsSync(file)));
	const notebooks = testFiles().map((file) => basename(dirname(file)) === "notebooks");
	assert.ok(notebooks.lastIndexOf(true) < notebooks.indexOf(false), "the longest start first");
});

test("npm test names a file that is not there", () => {
	const { status, stderr } = cli(root, ["test", "test/nothing.test.ts"]);
	assert.deepEqual([status, stderr], [1, "test/nothing.test.ts: there is no such test file\n"]);
});

/** Runs code in a process that has loaded processes.mjs twice, as cli.mjs does for commands in TypeScript. */
function twoCopies(code: string) {
	const folder = temporaryFolder();
	const module = JSON.stringify(join(root, "tools", "setup", "processes.mjs"));
	writeFileSync(join(folder, "command.ts"), `import { runInTerminal, runQuietly } from ${module};\n${code}`);
	const script = `
		import { createRequire } from "node:module";
		import ${module};
		const require = createRequire(${JSON.stringify(join(root, "package.json"))});
		require("tsx/cjs");
		require(${JSON.stringify(join(folder, "command.ts"))});`;
	writeFileSync(join(folder, "start.mjs"), script);
	return spawn("node", [join(folder, "start.mjs")], { stdio: ["ignore", "pipe", "inherit"] });
}

test("Ctrl-C ends a command, and what it runs quietly", async () => {
	const idle = twoCopies('setInterval(() => {}, 1000); console.log("ready");');
	await once(idle.stdout, "data");
	idle.kill("SIGINT");
	assert.deepEqual(await once(idle, "exit"), [130, null]);

	const file = join(temporaryFolder(), "pid");
	const write = `require("node:fs").writeFileSync(${JSON.stringify(file)}, String(process.pid)); setInterval(() => {}, 1000)`;
	const busy = twoCopies(`runQuietly("node", ["-e", ${JSON.stringify(write)}]);`);
	while (!existsSync(file) || readFileSync(file, "utf8") === "") await wait(20);
	const child = Number(readFileSync(file, "utf8"));
	assert.ok(isRunning(child));
	busy.kill("SIGINT");
	assert.deepEqual(await once(busy, "exit"), [130, null]);
	while (isRunning(child)) await wait(20);
});

for (const [signal, received, code] of [
	["SIGINT", "SIGINT", 130],
	["SIGTERM", "SIGTERM", 143],
	["SIGHUP", "SIGTERM", 129],
] as const) {
	test(`${signal} is passed on to the program that a command runs; the command waits for it and ends`, async () => {
		const file = join(temporaryFolder(), "log");
		const program = `
			const { appendFileSync } = require("node:fs");
			const log = (text) => appendFileSync(${JSON.stringify(file)}, text);
			for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => {
				log(signal);
				setTimeout(() => { log(" tidied up"); process.exit(); }, 300);
			});
			setInterval(() => {}, 1000);
			log("ready ");`;
		const command = twoCopies(
			`runInTerminal("node", ["-e", ${JSON.stringify(program)}]).then(() => console.log("went on"));`,
		);
		let printed = "";
		command.stdout.on("data", (chunk) => {
			printed += chunk;
		});
		await until("the program runs", () => existsSync(file));
		command.kill(signal);
		assert.deepEqual(await once(command, "exit"), [code, null]);
		assert.equal(readFileSync(file, "utf8"), `ready ${received} tidied up`);
		assert.equal(printed, "");
	});
}

test("a sweep that is ended takes its trials with it, whatever they compute", async () => {
	const folder = temporaryFolder();
	const [file, module] = [join(folder, "pid"), join(folder, "trial.ts")];
	const code = `require("node:fs").writeFileSync(${JSON.stringify(file)}, String(process.pid)); for (;;) {}`;
	writeFileSync(module, `export async function trial() { ${code} }`);
	const task = JSON.stringify({ module, dataset: folder, parameters: { epochs: 1 }, backup: join(folder, "backup") });
	const sweep = twoCopies(
		`import { runTrialProcess } from ${JSON.stringify(join(root, "src", "sweep", "attempt"))};
		runTrialProcess(${task}, 1, undefined, () => true);`,
	);
	await until("the trial runs", () => existsSync(file) && readFileSync(file, "utf8") !== "");
	sweep.kill("SIGTERM");
	assert.deepEqual(await once(sweep, "exit"), [143, null]);
	const trial = Number(readFileSync(file, "utf8"));
	await until("the trial has ended", () => !isRunning(trial), 20);
});

test("npm test leaves no test file running, whatever signal ends it", async () => {
	const folder = temporaryFolder();
	const test = join(folder, "long.test.mjs");
	for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
		const file = join(folder, signal);
		const write = `import { writeFileSync } from "node:fs"; writeFileSync(${JSON.stringify(file)}, String(process.pid));`;
		writeFileSync(test, `${write} setInterval(() => {}, 1000);`);
		const command = spawn("node", [join(root, "tools", "cli.mjs"), "test", test], {
			env: { ...process.env, NODE_TEST_CONTEXT: undefined },
			stdio: "ignore",
		});
		await until("the test runs", () => existsSync(file) && readFileSync(file, "utf8") !== "");
		command.kill(signal);
		await once(command, "exit");
		const child = Number(readFileSync(file, "utf8"));
		await until(`${signal} has ended the test`, () => !isRunning(child), 20);
	}
});

test("a command ends when the npm that runs it is killed", async () => {
	const folder = temporaryFolder();
	const file = join(folder, "pid");
	const module = JSON.stringify(join(root, "tools", "setup", "npm.mjs"));
	writeFileSync(
		join(folder, "command.mjs"),
		`import { writeFileSync } from "node:fs";
		import { endWithNpm } from ${module};
		endWithNpm();
		setInterval(() => {}, 1000);
		writeFileSync(${JSON.stringify(file)}, String(process.pid));`,
	);
	writeFileSync(join(folder, "package.json"), JSON.stringify({ scripts: { long: "node command.mjs" } }));
	const npm = spawn("npm", ["run", "long"], { cwd: folder, stdio: "ignore" });
	await until("the command runs", () => existsSync(file) && readFileSync(file, "utf8") !== "");
	const command = Number(readFileSync(file, "utf8"));
	await wait(1500);
	assert.ok(isRunning(command), "it ends though npm lives");
	npm.kill("SIGKILL");
	await until("it has ended", () => !isRunning(command), 20);
});

test("a lock waits for a running command, and ignores one that has ended", async () => {
	const file = join(temporaryFolder(), "lock");
	const ended = spawnSync("true").pid;
	writeFileSync(file, String(ended));
	const unlock = await lock(file);
	assert.equal(readFileSync(file, "utf8"), String(process.pid));
	unlock();
	assert.ok(!existsSync(file));

	const other = spawn("sleep", ["60"]);
	writeFileSync(file, String(other.pid));
	let locked = false;
	const waiting = lock(file).then((unlock) => {
		locked = true;
		unlock();
	});
	await wait(700);
	assert.equal(locked, false);
	other.kill();
	await waiting;
	assert.ok(!existsSync(file));
});

test("near misses: the fewest edits first, at most two", () => {
	assert.ok(isNear("epochs", "epoch", 1) && isNear("seed", "sede", 2) && !isNear("seed", "sede", 1));
	assert.equal(nearest("lap", ["lamp", "lab", "tab"]), "lamp");
	assert.equal(nearest("doctro", ["dataset", "doctor"]), "doctor");
	assert.equal(nearest("nothing", ["dataset", "doctor"]), undefined);
	assert.equal(toFlag("batchSize"), "--batch-size");
});

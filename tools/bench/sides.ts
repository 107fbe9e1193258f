// Programs that do the same, ours and its counterparts, measured in turn.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { at, root } from "../setup/paths.mjs";

export type Side = "ours" | "python";
/** How each side is started: a program and its arguments. */
export type Commands<S extends string = Side> = Record<S, string[]>;
/** By step: one number per round of each side, in milliseconds or, if the step's name ends so, MB. */
export type Measurements<S extends string = Side> = Record<string, Record<S, number[]>>;
type Answer = Record<string, number>;

type StepOptions<S> = {
	/** Argument that tells the programs what to do. Default: "steps". */
	mode?: string;
	/** Environment variables of both sides. Default: none. */
	environment?: Record<string, string>;
	/** Called before a step that counts; what it returns is called after the step. Default: nothing is observed. */
	observe?: (step: string, side: S) => () => void;
	/** What else a step's answer has, in milliseconds; each becomes a step. Default: none. */
	parts?: string[];
};

/** Runs one process a side, which does a step for each line it is sent. A first round warms caches and is ignored. */
export async function interleaved<S extends string>(
	commands: Commands<S>,
	steps: string[],
	rounds: number,
	{ mode = "steps", environment, observe = () => () => {}, parts = [] }: StepOptions<S> = {},
): Promise<Measurements<S>> {
	const names = Object.keys(commands) as S[];
	const sides = Object.fromEntries(
		names.map((name) => [name, start([...commands[name], mode], environment)]),
	) as Record<S, ReturnType<typeof start>>;
	const results = empty(
		names,
		steps.flatMap((step) => [step, ...parts.map((part) => `${step}: ${part}`)]),
	);
	try {
		for (let round = 0; round <= rounds; round++) {
			console.log(round === 0 ? "steps, warming up …" : `steps, round ${round} of ${rounds} …`);
			for (const step of steps) {
				for (const side of inTurn(names, round)) {
					const observed = round > 0 ? observe(step, side) : () => {};
					const answer = await sides[side].ask(step);
					observed();
					if (round === 0) continue;
					results[step][side].push(answer.ms);
					for (const part of parts) results[`${step}: ${part}`][side].push(answer[part]);
				}
			}
		}
	} finally {
		for (const name of names) sides[name].end();
	}
	return results;
}

/** Starts fresh processes that train: the time until the first epoch is over, and the most memory they took. */
export async function wholeRuns(commands: Commands, rounds: number): Promise<Measurements> {
	const [time, memory] = ["start to first epoch", "most memory, in MB"];
	const names = Object.keys(commands) as Side[];
	const results = empty(names, [time, memory]);
	for (let round = 1; round <= rounds; round++) {
		console.log(`whole runs, ${round} of ${rounds} …`);
		for (const side of inTurn(names, round)) {
			const started = performance.now();
			const child = start([...commands[side], "once"]);
			await child.answer();
			results[time][side].push(performance.now() - started);
			results[memory][side].push((await child.answer()).megabytes);
			await child.ended;
		}
	}
	return results;
}

/** Starts a process that answers in lines of JSON. */
export function start([command, ...args]: string[], environment: Record<string, string> = {}) {
	const env = { ...process.env, ...environment };
	const child = spawn(command, args, { cwd: root, env, stdio: ["pipe", "pipe", "ignore"] });
	const kill = () => child.kill("SIGKILL");
	process.on("exit", kill);
	child.stdin.on("error", () => {}); // of a process that has ended: the missing answer reports it
	const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
	const answer = async (): Promise<Answer> => {
		const { value, done } = await lines.next();
		if (done) throw new Error(`\`${[command, ...args].join(" ")}\` ended too early: run it by hand to see why`);
		return JSON.parse(value) as Answer;
	};
	const ask = (step: string) => {
		child.stdin.write(`${step}\n`);
		return answer();
	};
	const ended = new Promise<void>((resolve) =>
		child.on("exit", () => {
			process.off("exit", kill);
			resolve();
		}),
	);
	return { answer, ask, end: () => child.stdin.end(), ended };
}

/** Compiles a program of this folder to JavaScript, so that its compilation is not measured. */
export async function compiled(file: string): Promise<string> {
	const { build } = await import("esbuild");
	const outfile = at("bench", file.replace(".ts", ".cjs"));
	const entryPoints = [at("tools", "bench", file)];
	await build({ entryPoints, outfile, bundle: true, platform: "node", packages: "external", logLevel: "error" });
	return outfile;
}

const empty = <S extends string>(names: S[], steps: string[]) =>
	Object.fromEntries(
		steps.map((step) => [step, Object.fromEntries(names.map((name) => [name, []]))]),
	) as unknown as Measurements<S>;

/** The first goes first in round 1, the second in round 2. */
function inTurn<S>(names: S[], round: number): S[] {
	const first = (round + names.length - 1) % names.length;
	return [...names.slice(first), ...names.slice(0, first)];
}

// Starts one trial process and follows it.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { DEFAULT_PARAMETERS } from "../pipeline/parameters";
import type { Curves } from "../training/history";
import type { Report, Task } from "./trial";

const running = new Set<ChildProcess>();
process.on("exit", () => {
	for (const child of running) child.kill("SIGKILL");
});

/** Result of one attempt at a trial. */
export type Outcome = { state: "complete" | "pruned" | "failed"; error: string | null; curves?: Curves };

/**
 * Runs a trial in its own process until it ends, or kills it on `abort`.
 *
 * @param threads number of threads that the process computes with
 * @param onEpoch function of the curves, called after each epoch; false prunes the trial, and an error ends it and is
 *   thrown
 */
export async function runTrialProcess(
	task: Task,
	threads: number,
	abort: AbortSignal | undefined,
	onEpoch: (curves: Curves) => boolean | Promise<boolean>,
): Promise<Outcome> {
	const child = startProcess(threads);
	running.add(child);
	const { epochs } = { ...(task.module ? {} : DEFAULT_PARAMETERS), ...task.parameters };
	const kill = () => child.kill("SIGKILL");
	abort?.addEventListener("abort", kill);
	let [outcome, pruned]: [Outcome | null, boolean] = [null, false];
	let thrown: { error: unknown } | null = null;
	const onReport = async (report: Report) => {
		if ("error" in report) outcome = { state: "failed", error: report.error };
		else if (report.done) outcome = { state: pruned ? "pruned" : "complete", error: null, curves: report.curves };
		else {
			// A trial that reaches its last epoch is complete, whatever the pruner decides.
			pruned = !(await onEpoch(report.curves)) && report.curves.loss.length !== epochs;
			if (child.connected) child.send(!pruned);
		}
	};
	child.on("message", (report: Report) =>
		onReport(report).catch((error) => {
			thrown = { error };
			kill();
		}),
	);
	child.on("error", () => {}); // A message to a process that has just died: its exit is handled below.
	child.send(task);
	// The last message can arrive after the exit event.
	const [[code, signal]] = await Promise.all([once(child, "exit"), once(child, "disconnect")]);
	abort?.removeEventListener("abort", kill);
	running.delete(child);
	if (thrown) throw (thrown as { error: unknown }).error;
	return outcome ?? { state: "failed", error: `its process ended with ${signal ?? `exit code ${code}`}` };
}

function startProcess(threads: number): ChildProcess {
	return fork(join(__dirname, "trial-process.ts"), {
		// tsx, so that the trial runs as TypeScript from any caller; advanced serialization, so that NaN survives.
		execArgv: ["--require", require.resolve("tsx/cjs")],
		serialization: "advanced",
		stdio: ["ignore", "ignore", "ignore", "ipc"],
		env: threadsEnvironment(threads),
	});
}

/** The environment of a process whose TensorFlow computes with so many threads. */
export const threadsEnvironment = (threads: number): NodeJS.ProcessEnv => ({
	...process.env,
	TF_NUM_INTRAOP_THREADS: String(threads),
	TF_NUM_INTEROP_THREADS: String(threads),
});

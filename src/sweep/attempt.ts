// Starts one trial process and follows it.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { DEFAULT_PARAMETERS } from "../pipeline/parameters";
import type { Curves } from "../training/history";
import type { Report, Task } from "./trial";

/** How an attempt ended. */
export type Outcome = { state: "complete" | "pruned" | "failed"; error: string | null; curves?: Curves };

/**
 * Runs a trial's process to its end, or until `abort`.
 *
 * @param threads how many it computes with
 * @param ask gets its curves after each epoch and says whether it goes on; what it throws ends the trial
 */
export async function runTrialProcess(
	task: Task,
	threads: number,
	abort: AbortSignal | undefined,
	ask: (curves: Curves) => boolean | Promise<boolean>,
): Promise<Outcome> {
	const child = start(threads);
	const { epochs } = { ...(task.module ? {} : DEFAULT_PARAMETERS), ...task.parameters };
	const kill = () => child.kill("SIGKILL");
	abort?.addEventListener("abort", kill);
	let [outcome, pruned]: [Outcome | null, boolean] = [null, false];
	let thrown: { error: unknown } | null = null;
	const hear = async (report: Report) => {
		if ("error" in report) outcome = { state: "failed", error: report.error };
		else if (report.done) outcome = { state: pruned ? "pruned" : "complete", error: null, curves: report.curves };
		else {
			// After its last epoch there is nothing left to stop.
			pruned = !(await ask(report.curves)) && report.curves.loss.length !== epochs;
			if (child.connected) child.send(!pruned);
		}
	};
	child.on("message", (report: Report) =>
		hear(report).catch((error) => {
			thrown = { error };
			kill();
		}),
	);
	child.on("error", () => {}); // of a message to a process that has just died: its end says the rest
	child.send(task);
	// Its last message can come after its exit.
	const [[code, signal]] = await Promise.all([once(child, "exit"), once(child, "disconnect")]);
	abort?.removeEventListener("abort", kill);
	if (thrown) throw (thrown as { error: unknown }).error;
	return outcome ?? { state: "failed", error: `its process ended with ${signal ?? `exit code ${code}`}` };
}

function start(threads: number): ChildProcess {
	return fork(join(__dirname, "trial-process.ts"), {
		// TypeScript, wherever this was called from; and numbers that are none.
		execArgv: ["--require", require.resolve("tsx/cjs")],
		serialization: "advanced",
		stdio: ["ignore", "ignore", "ignore", "ipc"],
		env: {
			...process.env,
			TF_CPP_MIN_LOG_LEVEL: "3",
			TF_NUM_INTRAOP_THREADS: String(threads),
			TF_NUM_INTEROP_THREADS: String(threads),
		},
	});
}

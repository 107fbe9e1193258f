// The program of a trial process.
import { once } from "node:events";
import { rmSync } from "node:fs";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { allParameters } from "../pipeline/parameters";
import { trainPipeline } from "../pipeline/pipeline";
import { repeats } from "../support/errors";
import { UnusableCheckpoint } from "../training/checkpoint";
import { type Curves, emptyCurves, type Progress } from "../training/history";
import type { Report, Task, TrialFunction } from "./trial";

/**
 * Trains the pipeline as a trial; for a custom `TrialFunction` that adds callbacks.
 *
 * @param report function of the curves, called after each epoch; training stops when it returns false
 * @param callbacks additional callbacks. Default: none
 * @returns the curves of all epochs
 */
export async function pipelineTrial(
	{ dataset, parameters, backup, artifacts }: Omit<Task, "module">,
	report: (curves: Curves) => Promise<boolean>,
	callbacks: tf.Callback[] = [],
): Promise<Curves> {
	let curves = emptyCurves();
	const onProgress = ({ history }: Progress) => {
		curves = history;
	};
	const reporter = new (class extends tf.Callback {
		override async onEpochEnd() {
			if (!(await report(curves))) (this.model as tf.LayersModel).stopTraining = true;
		}
	})();
	const options = { onProgress, backup, artifacts, callbacks: [...callbacks, reporter] };
	const train = () => trainPipeline(dataset, allParameters(parameters), options);
	await train().catch((error: unknown) => {
		if (!(error instanceof UnusableCheckpoint)) throw error;
		// It may come from another machine. Without it the trial only takes longer.
		rmSync(backup);
		const note: Report = { note: `starts again, since its checkpoint cannot be used: ${error.message}` };
		process.send?.(note);
		return train();
	});
	return curves;
}

async function main(): Promise<void> {
	const send = (report: Report) => new Promise((sent) => process.send?.(report, sent));
	process.on("disconnect", () => process.exit(1)); // The parent process has died.
	try {
		const [task] = (await once(process, "message")) as [Task];
		const trial: TrialFunction = task.module ? require(task.module).trial : pipelineTrial;
		const curves = await trial(task, async (curves) => {
			const answer = once(process, "message");
			await send({ curves, done: false });
			return (await answer)[0] as boolean;
		});
		await send({ curves, done: true });
	} catch (error) {
		await send({ error: error instanceof Error ? error.message : String(error), repeats: repeats(error) });
	}
	process.exit();
}

if (require.main === module) main();

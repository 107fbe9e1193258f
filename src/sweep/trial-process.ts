// The trial process itself.
import { once } from "node:events";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { DEFAULT_PARAMETERS, type TrainingParameters } from "../pipeline/parameters";
import { trainPipeline } from "../pipeline/pipeline";
import { type Curves, emptyCurves, type Progress } from "../training/history";
import type { Report, Task, TrialFunction } from "./trial";

/** The pipeline's training, for a `TrialFunction` of one's own with more callbacks. */
export async function pipelineTrial(
	{ dataset, parameters, backup }: Omit<Task, "module">,
	report: (curves: Curves) => Promise<boolean>,
	callbacks: tf.Callback[] = [],
): Promise<Curves> {
	let curves = emptyCurves();
	const onProgress = ({ history }: Progress) => {
		curves = history;
	};
	const asking = new (class extends tf.Callback {
		override async onEpochEnd() {
			if (!(await report(curves))) (this.model as tf.LayersModel).stopTraining = true;
		}
	})();
	const options = { onProgress, backup, callbacks: [...callbacks, asking] };
	const all = { ...DEFAULT_PARAMETERS, ...parameters } as TrainingParameters;
	await trainPipeline(dataset, all, options);
	return curves;
}

async function main(): Promise<void> {
	const say = (report: Report) => new Promise((said) => process.send?.(report, said));
	process.on("disconnect", () => process.exit(1)); // whoever asked is gone
	try {
		const [task] = (await once(process, "message")) as [Task];
		const trial: TrialFunction = task.module ? require(task.module).trial : pipelineTrial;
		const curves = await trial(task, async (curves) => {
			const answer = once(process, "message");
			await say({ curves, done: false });
			return (await answer)[0] as boolean;
		});
		await say({ curves, done: true });
	} catch (error) {
		await say({ error: (error as Error).message });
	}
	process.exit();
}

if (require.main === module) main();

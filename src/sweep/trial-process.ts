// The program of one trial: a process of its own, which trains with the parameters it is sent and reports each epoch.
import { once } from "node:events";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { DEFAULT_PARAMETERS, type Progress, type TrainingParameters, trainFrom } from "../training/train";
import type { Value } from "./space";

/** What a trial is sent when it starts. */
export interface Task {
	/** The folder with `train` and `valid`. */
	dataset: string;
	parameters: Record<string, Value>;
	/** A file for what it needs to go on after an interruption. */
	backup: string;
	/** The path of a module whose `trial` runs in place of the pipeline's training, or null. */
	module: string | null;
}

/** One number an epoch in each list, named as in a `History`. */
export type Curves = Progress["history"];

/** What a trial says: after each epoch, which is answered by whether it goes on; at the end; or what went wrong. */
export type Report = { curves: Curves; done: boolean } | { error: string };

/** A trial of one's own: calls `report` after each epoch, ends when that gives false, and returns all its epochs. */
export type TrialFunction = (
	task: Omit<Task, "module">,
	report: (curves: Curves) => Promise<boolean>,
) => Promise<Curves>;

/** The pipeline's training, for a `TrialFunction` of one's own with more callbacks. */
export async function trainPipeline(
	{ dataset, parameters, backup }: Omit<Task, "module">,
	report: (curves: Curves) => Promise<boolean>,
	callbacks: tf.Callback[] = [],
): Promise<Curves> {
	let curves: Curves = { loss: [], acc: [], valLoss: [], valAcc: [] };
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
	await trainFrom(dataset, all, options);
	return curves;
}

async function main(): Promise<void> {
	const say = (report: Report) => new Promise((said) => process.send?.(report, said));
	process.on("disconnect", () => process.exit(1)); // whoever asked is gone
	try {
		const [task] = (await once(process, "message")) as [Task];
		const trial: TrialFunction = task.module ? require(task.module).trial : trainPipeline;
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

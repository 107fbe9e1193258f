// A trial that records when its first step ended, and its last epoch.
import { appendFileSync } from "node:fs";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { pipelineTrial, type TrialFunction } from "../../src/sweep";

export const trial: TrialFunction = async (task, report) => {
	let firstStep = 0;
	const timing = new (class extends tf.Callback {
		override async onBatchEnd() {
			firstStep ||= Date.now();
		}
	})();
	const curves = await pipelineTrial(task, report, [timing]);
	appendFileSync(process.env.TIMES as string, `${JSON.stringify({ firstStep, lastStep: Date.now() })}\n`);
	return curves;
};

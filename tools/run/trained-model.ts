// The model that was trained last, for the commands that use it.

/**
 * Loads the model of an artifacts folder with its record and its temperature, null where none was fitted. Loads TensorFlow
 * only now: it takes a second, which a mistyped option should not.
 *
 * @throws when there is none, or it is damaged
 */
export async function trainedModel(artifacts: string) {
	const { loadModel, savedTemperature } = require("../../src/pipeline") as typeof import("../../src/pipeline");
	const saved = await loadModel(artifacts);
	if (!saved) throw new Error(`${artifacts} has no model: train one first, with npm start`);
	return { ...saved, temperature: savedTemperature(artifacts, saved.record) };
}

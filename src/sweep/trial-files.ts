// Files of the trials that have ended, from which a sweep resumes.
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { saveArtifact } from "../support/artifacts";
import { pathInside } from "../support/files";
import { parsedJson } from "../support/schema";
import { printable } from "../support/text";
import { METRICS } from "../training/history";
import { validatedTrial } from "./messages";
import { bestOf, nameOf, type Rules, type Trial } from "./trial";

/** Maximum number of characters of the file of a trial: the curves of a hundred thousand epochs. */
const LENGTH = 16 * 2 ** 20;

const trialsIn = (folder: string) => join(folder, "trials");

/** Saves a trial that has ended. @throws when the file cannot be written */
export const saveTrial = (folder: string, trial: Trial) => saveArtifact(trialsIn(folder), nameOf(trial.id), trial);

/**
 * Returns a trial as an earlier run of the sweep has saved it, or as it is when there is no such file. A file that is
 * damaged, or of another trial, counts as none, with a line: the trial runs again.
 */
export function resumedTrial(
	folder: string,
	trial: Trial,
	{ objective, module }: Pick<Rules, "objective" | "module">,
	log: (line: string) => void,
): Trial {
	const file = pathInside(trialsIn(folder), `${nameOf(trial.id)}.json`);
	if (!existsSync(file)) return trial;
	try {
		const entry = statSync(file);
		if (!entry.isFile()) throw new Error("it is not a file");
		if (entry.size > LENGTH) throw new Error(`it has ${entry.size} bytes: expected at most ${LENGTH}`);
		const saved = validatedTrial(parsedJson(readFileSync(file, "utf8"), LENGTH), { ...trial, module });
		// In the order of a new trial, as its file has it.
		return { ...trial, ...saved, value: bestOf(saved.curves[objective], METRICS[objective].better) };
	} catch (error) {
		log(`${file} is damaged, so that trial ${trial.id} runs again: ${printable((error as Error).message)}`);
		return trial;
	}
}

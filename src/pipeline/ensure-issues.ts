// Finds duplicates, leaks and label conflicts when the files have changed, and records them.
import { resolve } from "node:path";
import { findIssues, type Issues } from "../cleaning/issues";
import { saveArtifact } from "../support/artifacts";
import { stateOf } from "./ensure-clean";
import { ARTIFACTS, type IssuesRecord, loadIssues } from "./records";

/**
 * Saves the duplicate sets that `findIssues` found as `<artifacts>/issues.json`.
 *
 * @param dataset folder with `train`, `valid` and `test`
 * @param issues the report on this data set
 */
export function recordIssues(dataset: string, artifacts: string, issues: Pick<Issues, "duplicates">): IssuesRecord {
	const { duplicates } = issues;
	const record = { dataset: resolve(dataset), state: stateOf(dataset), duplicates };
	saveArtifact(artifacts, ARTIFACTS.issues, record);
	return record;
}

/**
 * Returns the duplicate sets of a data set: those on record if its image files are the same as then, or else those that
 * `findIssues` finds and that are recorded now.
 *
 * @param dataset folder with `train`, `valid` and `test`
 * @param artifacts folder of the record
 * @throws when there is no such folder, or no image in it
 */
export async function ensureIssues(dataset: string, artifacts: string): Promise<IssuesRecord> {
	const saved = loadIssues(artifacts);
	if (saved?.state === stateOf(dataset)) return saved;
	return recordIssues(dataset, artifacts, await findIssues(dataset));
}

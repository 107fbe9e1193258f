// What the page holds as data.
import type { Claim } from "../../../src/display/claims";
import type { PredictionsRecord } from "../../../src/pipeline/predictions";

/** The predictions as a page holds them: names of images only where they were asked for. */
export type Embedded = Omit<PredictionsRecord, "model">;

const textOf = (id: string) => document.getElementById(id)?.textContent ?? null;
const parsed = <T>(id: string): T | null => {
	const text = textOf(id);
	return text === null ? null : JSON.parse(text);
};

/** The predictions as they stand in the page, of which the run's record has the SHA-256; null on a page without them. */
export const predictionsText = () => textOf("predictions");

/** What the run's record says of the predictions, and the claims that the page shows. */
export const runRecord = () =>
	parsed<{ origin?: { predictions?: { sha256: string } | null } }>("run")?.origin?.predictions?.sha256 ?? null;
export const shownClaims = () => parsed<Claim[]>("claims") ?? [];

// What the page holds as data.
import type { Claim } from "../../../src/display/claims";

const textOf = (id: string) => document.getElementById(id)?.textContent ?? null;
const parsed = <T>(id: string): T | null => {
	const text = textOf(id);
	return text === null ? null : JSON.parse(text);
};

/** The predictions as they stand in the page, of which the run's record has the SHA-256; null on a page without them. */
export const predictionsText = () => textOf("predictions");

/** The SHA-256 of the predictions in the run's record; null where it has none. */
export const recordedHash = () =>
	parsed<{ origin?: { predictions?: { sha256: string } | null } }>("run")?.origin?.predictions?.sha256 ?? null;

/** The claims that the page shows. */
export const shownClaims = () => parsed<Claim[]>("claims") ?? [];

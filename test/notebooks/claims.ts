// What the claims of a run's notebooks must satisfy: a verdict follows from the numbers, and the numbers from the run.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Claim } from "../../src/display/claims";
import type { RunRecord } from "../../tools/report/run-record";

type Output = { metadata?: { claims?: Claim[] }; data?: Record<string, string | string[]> };
type Cell = { outputs?: Output[] };

/** Returns the claims that a notebook shows, in order, with the text of the table that shows them. */
export function claimsOf(reports: string, name: string): { claims: Claim[]; text: string } {
	const { cells } = JSON.parse(readFileSync(join(reports, `${name}.ipynb`), "utf8")) as { cells: Cell[] };
	const outputs = cells.flatMap(({ outputs = [] }) => outputs).filter(({ metadata }) => metadata?.claims);
	return {
		claims: outputs.flatMap(({ metadata }) => metadata?.claims ?? []),
		text: outputs.map(({ data }) => [data?.["text/plain"] ?? ""].flat().join("")).join("\n"),
	};
}

/** Whether a number satisfies what a claim expects. */
const admits = ({ above, below, atLeast, atMost }: Claim["expected"], value: number) =>
	!(above !== undefined && value <= above) &&
	!(below !== undefined && value >= below) &&
	!(atLeast !== undefined && value < atLeast) &&
	!(atMost !== undefined && value > atMost);

/**
 * Checks the claims of a notebook by a second way of deciding them: a claim may be held only if no number of its interval
 * contradicts it, and not held only if none supports it.
 *
 * @returns a line for each claim that the numbers do not support
 */
export function unsupported({ claims, text }: ReturnType<typeof claimsOf>): string[] {
	const lines = text.split("\n").map((line) => line.split("\t"));
	return claims.flatMap((claim) => {
		const { low, high, value } = claim.measured as { [bound in keyof Claim["measured"]]: number | null };
		const wrong = (why: string) => [`${claim.claim}: ${claim.verdict}, but ${why}`];
		const row = lines.find(([sentence]) => sentence === claim.claim);
		if (row?.[3]?.split(":")[0] !== claim.verdict) return wrong(`the table says ${row?.[3]}`);
		if (claim.verdict === "cannot tell") return [];
		if (claim.reason) return wrong(claim.reason);
		// JSON has no NaN: without bounds nothing is decided.
		if (low === null || high === null || value === null) return wrong("it has no interval");
		if (!(low <= value && value <= high)) return wrong(`${value} is not in ${low} to ${high}`);
		const samples = Array.from({ length: 201 }, (_, i) => low + ((high - low) * i) / 200).concat(value, high);
		const admitted = samples.filter((sample) => admits(claim.expected, sample)).length;
		const isRight = claim.verdict === "held" ? admitted === samples.length : admitted === 0;
		return isRight ? [] : wrong(`${admitted} of ${samples.length} numbers from ${low} to ${high} support it`);
	});
}

/** Returns a line for each claim of the evaluation notebook whose numbers are not those of the run's record. */
export function contradictions({ claims }: ReturnType<typeof claimsOf>, run: RunRecord): string[] {
	const find = (start: string) => claims.find(({ claim }) => claim.startsWith(start));
	const matrix = run.confusionMatrix as number[][];
	const rows = matrix.map((row) => row.reduce((a, b) => a + b));
	const total = rows.reduce((a, b) => a + b);
	const accuracy = matrix.reduce((hits, row, i) => hits + row[i], 0) / total;
	const better = find("The model is better than always");
	const checks: [string, number | undefined, number][] = [
		["accuracy", better?.measured.value, accuracy],
		["majority", better?.expected.above, Math.max(...rows) / total],
	];
	return checks.flatMap(([what, shown, exact]) =>
		shown !== undefined && Math.abs(shown - exact) < 1e-9 ? [] : [`05, ${what}: ${shown}, but it is ${exact}`],
	);
}

// Puts planned images into place: prepared in a folder of its own, then renamed, so that the earlier data stays until the
// new is complete.
import { existsSync, mkdirSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { SPLIT_ALIASES, SPLITS } from "../../src/images/folders";
import { pathExists } from "../../src/support/files";
import { counted } from "../../src/support/format";
import { printable } from "../../src/support/text";
import type { Plan } from "./split";

/** Puts each image into `incoming/<split>/<class>/`, by copying or moving it with `put`. */
export function place(plan: Plan, incoming: string, put: (from: string, to: string) => void): void {
	const all = Object.values(plan).flatMap((classes) => [...classes.values()].flat());
	console.log(`sorting ${counted(all.length, "image")} into ${SPLITS.join(", ")}`);
	for (const split of SPLITS) {
		for (const [name, images] of plan[split]) {
			for (const { path, file } of images) {
				const target = join(incoming, split, name, path);
				// Names that differ in a source may be the same here: not every file system tells A from a.
				if (existsSync(target)) throw new Error(`${name} has two images that would both be ${path} here.`);
				try {
					mkdirSync(dirname(target), { recursive: true });
					put(file, target);
				} catch (error) {
					if ((error as NodeJS.ErrnoException).code !== "ENAMETOOLONG") throw error;
					throw new Error(`${name}/${path} has a name that is too long for this disk: shorten it in the source.`);
				}
			}
		}
	}
}

/** Moves the earlier data aside and the new in. Nothing is deleted. */
export function putInPlace(incoming: string, into: string): void {
	const others = Object.values(SPLIT_ALIASES).flat();
	const earlier = [...SPLITS, ...others, "sample.json", "quarantine"].filter((name) => pathExists(join(into, name)));
	if (earlier.length > 0) {
		const previous = join(into, `previous-${new Date().toISOString().replace(/[:.]/g, "-")}`);
		mkdirSync(previous);
		for (const name of earlier) renameSync(join(into, name), join(previous, name));
		console.log(`moved the earlier ${earlier.join(", ")} to ${previous}`);
	}
	for (const split of SPLITS) renameSync(join(incoming, split), join(into, split));
}

/** Prints how many images of each class are in each split. */
export function summarise(plan: Plan): void {
	const rows = [...plan.train.keys()].map((name) => ({
		name: printable(name),
		counts: SPLITS.map((split) => plan[split].get(name)?.length ?? 0),
	}));
	const totals = SPLITS.map((_, i) => rows.reduce((sum, { counts }) => sum + counts[i], 0));
	const table = [{ name: "class", counts: [...SPLITS] }, ...rows, { name: "all", counts: totals }];
	const width = Math.max(...table.map(({ name }) => name.length));
	const lines = table.map(({ name, counts }) => {
		return name.padEnd(width) + counts.map((count) => String(count).padStart(9)).join("");
	});
	console.log(`\n${lines.join("\n")}\n`);
}

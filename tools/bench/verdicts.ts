// Compares verification results of damaged images with what Pillow and TensorFlow load, and with what training reads.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Verified, verifyImages } from "../../src/cleaning";
import { loadImage } from "../../src/datasets";

/** A line of verdicts.py: whether Pillow's `verify()` and `load()` and TensorFlow's `decode_image` accept a file. */
type Peers = { path: string; verify: boolean; load: boolean; tensorflow: boolean };

const [folder] = process.argv.slice(2);

async function compare() {
	const lines = readFileSync(join(folder, "verdicts.jsonl"), "utf8").trim().split("\n");
	const peers = new Map(lines.map((line) => JSON.parse(line) as Peers).map((row) => [join(folder, row.path), row]));
	const counts: Record<string, Record<string, number>> = {};
	const reasons: Record<string, number> = {};
	const wrong = { "kept, but training fails": 0, "removed, but TensorFlow and Pillow load it": 0 };
	for await (const ours of verifyImages(peers.keys())) {
		const theirs = peers.get(ours.path) as Peers;
		const reason = ours.reason ?? "kept";
		reasons[reason] = (reasons[reason] ?? 0) + 1;
		const [row, column] = [rowOf(theirs), ours.reason ? "removed" : `kept, ${ours.format?.decoder} reads it`];
		counts[row] = { ...counts[row], [column]: (counts[row]?.[column] ?? 0) + 1 };
		if (!ours.reason && !(await trains(ours))) wrong["kept, but training fails"]++;
		if (ours.reason && theirs.tensorflow && theirs.load) wrong["removed, but TensorFlow and Pillow load it"]++;
	}
	console.log(`\n${peers.size} files, by what accepts them`);
	console.table(counts);
	console.table(reasons);
	console.log(wrong);
}

function rowOf({ path, verify, load, tensorflow }: Peers): string {
	const yes = [verify && "Pillow verify()", load && "Pillow load()", tensorflow && "TensorFlow"].filter(Boolean);
	return `${path.split("/")[0]}: ${yes.join(", ") || "nothing"}`;
}

async function trains({ path }: Verified): Promise<boolean> {
	try {
		(await loadImage(path, { imageSize: [64, 64] })).dispose();
		return true;
	} catch {
		return false;
	}
}

compare();

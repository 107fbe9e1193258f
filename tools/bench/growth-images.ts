// Time per image and memory of each step by the number of images, which should not matter.
import { linkSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import seedrandom from "seedrandom";
import sharp from "sharp";
import { compiled, start } from "./sides";

const STEPS = ["cleaning", "containers", "issues", "training"];
const SIDE = 32;

/** Prints a table for the given numbers of images, the smallest first, and what differs by more than a tenth from that. */
export async function growthByImages(counts: number[]): Promise<void> {
	const folder = mkdtempSync(join(tmpdir(), "growth-"));
	try {
		console.log(`making ${Math.max(...counts)} images …`);
		const images = await distinctImages(join(folder, "images"), Math.max(...counts));
		const datasets = counts.map((count) => linked(images.slice(0, count), join(folder, String(count))));
		const program = await compiled("growth-step.ts");
		const rows: Record<string, number[]> = {};
		for (const step of STEPS) {
			for (const [i, count] of counts.entries()) {
				console.log(`${step}, ${count} images …`);
				const child = start(["node", program, step, datasets[i], String(count), datasets[0]]);
				const { megabytes, ...times } = await child.answer();
				await child.ended;
				const add = (name: string, value: number) => {
					rows[name] = [...(rows[name] ?? []), value];
				};
				for (const [part, time] of Object.entries(times)) add(`${part}, µs per image`, time);
				add(`${step}, most memory in MB`, megabytes);
			}
		}
		print(counts, rows);
	} finally {
		rmSync(folder, { recursive: true });
	}
}

function print(counts: number[], rows: Record<string, number[]>): void {
	const line = (name: string, cells: string[]) =>
		console.log(name.padEnd(36) + cells.map((cell) => cell.padStart(10)).join(""));
	console.log();
	line(
		"images",
		counts.map((count) => count.toLocaleString("en")),
	);
	for (const [name, values] of Object.entries(rows))
		line(
			name,
			values.map((value) => value.toFixed(0)),
		);
	const uneven = Object.entries(rows).flatMap(([name, [first, ...rest]]) => {
		const ratios = rest.map((value) => value / first);
		return ratios.every((ratio) => Math.abs(ratio - 1) <= 0.1)
			? []
			: [`${name}: × ${ratios.map((ratio) => ratio.toFixed(2)).join(", ")}`];
	});
	console.log(`\nNot flat to within 10 %, as multiples of the first column:\n${uneven.join("\n") || "nothing"}`);
}

/** Makes JPEGs of random blocks, no two alike, and returns their paths. */
async function distinctImages(folder: string, count: number): Promise<string[]> {
	mkdirSync(folder);
	const random = seedrandom.alea("growth");
	const paths = Array.from({ length: count }, (_, i) => join(folder, `${i}.jpg`));
	for (let i = 0; i < count; i += 64) {
		const few = paths.slice(i, i + 64);
		await Promise.all(few.map((path) => sharp(blocks(random), RAW).jpeg().toFile(path)));
	}
	return paths;
}

const RAW = { raw: { width: SIDE, height: SIDE, channels: 3 } } as const;

/** Pixels in 8 × 8 blocks of a random colour each. */
function blocks(random: () => number): Uint8Array {
	const colours = Uint8Array.from({ length: 64 * 3 }, () => 256 * random());
	return Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, i) => {
		const [x, y] = [Math.floor(i / 3) % SIDE, Math.floor(i / 3 / SIDE)];
		return colours[3 * (8 * (y >> 2) + (x >> 2)) + (i % 3)];
	});
}

/** Links images into a data set: a tenth of them for validation, two classes. */
function linked(images: string[], folder: string): string {
	for (const split of ["train", "valid"]) {
		for (const name of ["a", "b"]) mkdirSync(join(folder, split, name), { recursive: true });
	}
	for (const [i, image] of images.entries())
		linkSync(image, join(folder, i % 10 ? "train" : "valid", i % 2 ? "a" : "b", `${i}.jpg`));
	return folder;
}

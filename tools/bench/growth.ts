// How speed changes with the number of files, the size of pictures and of batches: a table, and a plot beside it.
// Argument: the data set's folder; its training pictures are linked as often as it takes.
import { linkSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { svgOf } from "../../src/chart";
import { cnn } from "../../src/cnn";
import { imageDatasetFromDirectory } from "../../src/datasets";
import { compile, train } from "../../src/training";

const [dataset, outfile] = process.argv.slice(2);
const pictures = imageDatasetFromDirectory(join(dataset, "train"), { verbose: false });

type Setting = { files: number; imageSize: number; batchSize: number };
type Speeds = { first: number; later: number };

/** The training pictures, in their folders, some of them under several names. */
function linked(files: number): string {
	const folder = mkdtempSync(join(tmpdir(), "growth-"));
	for (const name of pictures.classNames) mkdirSync(join(folder, name));
	for (let i = 0; i < files; i++) {
		// Stepping through the list with a stride takes from all classes.
		const k = (i * 7919) % pictures.filePaths.length;
		const source = pictures.filePaths[k];
		linkSync(source, join(folder, pictures.classNames[pictures.labels[k]], `${i}${extname(source)}`));
	}
	return folder;
}

/** Pictures a second: in an epoch that decodes, and in one that finds them decoded. */
async function measure({ files, imageSize, batchSize }: Setting): Promise<Speeds> {
	const folder = linked(files);
	const size: [number, number] = [imageSize, imageSize];
	const data = imageDatasetFromDirectory(folder, { imageSize: size, batchSize, seed: 1, verbose: false });
	// Small pictures do not have the pixels for four blocks.
	const filters = imageSize < 46 ? [32, 64, 128] : undefined;
	const model = cnn({ inputShape: [...size, 3], classes: data.classNames.length, filters, seed: 1 });
	compile(model);
	const ends: number[] = [performance.now()];
	await train(model, data, {
		epochs: 2,
		onProgress: ({ batch, batches }) => batch === batches && ends.push(performance.now()),
	});
	model.dispose();
	rmSync(folder, { recursive: true });
	return { first: 0, later: 0 };
}
void measure;
void svgOf;
void writeFileSync;
void outfile;

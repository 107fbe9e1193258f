// Brings images into dataset/: `npm run dataset -- FOLDER|ARCHIVE|URL`, or fashion for those of Fashion-MNIST.
//
// Every source becomes a list of entries (see entries.ts), which split.ts assigns to train, valid and
// test. Everything is prepared in .incoming and renamed into place at the end, so that a run that is stopped leaves the
// earlier data as it was, and the same command starts over.
import {
	constants,
	copyFileSync,
	existsSync,
	linkSync,
	mkdirSync,
	readdirSync,
	realpathSync,
	renameSync,
	rmdirSync,
	rmSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { SPLITS, type Split } from "../../src/images/folders";
import { pathExists, statOrNull } from "../../src/support/files";
import { printable } from "../../src/support/text";
import { commands } from "../commands.mjs";
import { readNumber } from "../setup/numbers.mjs";
import { at, fromHere } from "../setup/paths.mjs";
import { nearest } from "../setup/text.mjs";
import { BadArchive, unpack } from "./archive";
import { download } from "./download";
import { type Entry, isImage } from "./entries";
import { FASHION_DEFAULTS, type FashionOptions, readFashionOptions, writeFashion } from "./fashion";
import { isFashion } from "./fill";
import { main as decisions, isAboutJournal } from "./journal";
import { place, putInPlace, summarise } from "./place";
import { entriesOf, imagesByContent, isWithin, reportSkipped } from "./source";
import { isSplit, makePlan } from "./split";
import { sourcesOf } from "./together";

const usage = commands.dataset.usage.replaceAll("\n", " or ");
const OPTIONS = {
	split: { type: "string" },
	seed: { type: "string", default: "42" },
	classes: { type: "string" },
	limit: { type: "string" },
	into: { type: "string" },
	"max-gb": { type: "string", default: "20" },
} as const;

export interface Options {
	/** The path or address of the source. */
	source: string;
	isFolder: boolean;
	/** What to take of Fashion-MNIST; `null` when the source is something else. */
	fashion: FashionOptions | null;
	/** The source as it was typed, for messages. */
	label: string;
	/** The folder for the data set. */
	into: string;
	ratios: Record<Split, number>;
	seed: number;
	/** The limit for a download, and for what an archive holds. */
	maxBytes: number;
	/** Whether the files of a folder are linked where the disk allows it. Default: copied. */
	isLinked?: boolean;
}

const isUrl = (source: string) => /^https?:\/\//i.test(source);

/** The proportions of the splits that images have by default. */
export const RATIOS = { train: 70, valid: 15, test: 15 };

/** Copies, or unpacks, the images of a source into `dataset/`, split and by class. */
export async function main(args: string[]): Promise<void> {
	if (isAboutJournal(args)) return decisions(args);
	const options = readOptions(args);
	await makeDataset(options);
	const { into } = options;
	console.log(`The images are in ${into}. Next: npm start${into === at("dataset") ? "" : ` -- --dataset ${into}`}`);
}

/** Makes a data set of a source. What is there stays until the new images are complete, and then moves aside. */
export async function makeDataset(options: Options): Promise<void> {
	checkPlaces(options);
	try {
		await bringIn(options);
	} catch (error) {
		// Any message may quote a name out of the source.
		if (error instanceof Error) error.message = printable(error.message);
		throw error;
	} finally {
		rmSync(join(options.into, ".incoming"), { recursive: true, force: true });
		for (const folder of [join(options.into, ".download"), options.into]) removeIfEmpty(folder);
	}
}

async function bringIn(options: Options): Promise<void> {
	const { source, isFolder, into, maxBytes } = options;
	const incoming = join(into, ".incoming");
	rmSync(incoming, { recursive: true, force: true });
	mkdirSync(incoming, { recursive: true });
	const unpacked = join(incoming, "unpacked");
	const archive = isUrl(source) ? await download(source, join(into, ".download"), { maxBytes }) : source;
	const found = await entriesFrom(archive, options, unpacked);
	found.sort((a, b) => (a.path < b.path ? -1 : 1));
	reportSkipped(found);
	const entries = imagesByContent(found);
	const isDivided = options.fashion || isSplit(entries, options.label);
	const sources = isDivided ? undefined : await sourcesOf(entries.filter(isImage));
	const plan = makePlan(entries, { ...options, sources });
	place(plan, incoming, isFolder ? (options.isLinked ? linkOrCopy : copy) : renameSync);
	putInPlace(incoming, into);
	if (isUrl(source)) rmSync(archive);
	summarise(plan);
}

/** Lists a source; what is no folder yet is unpacked or written to `unpacked`. */
async function entriesFrom(archive: string, options: Options, unpacked: string): Promise<Entry[]> {
	const { source, isFolder, fashion, seed } = options;
	if (fashion) return writeFashion(unpacked, { ...fashion, seed });
	return isFolder ? [...entriesOf(source)] : unpackSource(archive, options, unpacked);
}

async function unpackSource(archive: string, { source, label, maxBytes }: Options, folder: string): Promise<Entry[]> {
	console.log(`unpacking ${label}`);
	try {
		return await unpack(archive, folder, { label, maxBytes });
	} catch (error) {
		// A bad download that stayed would be taken for a finished one by every further run.
		if (isUrl(source) && error instanceof BadArchive) rmSync(archive);
		throw error;
	}
}

/** Reads the command line. */
function readOptions(args: string[]): Options {
	// Not strict: the errors of strict parsing have several lines and no "did you mean".
	const { values, positionals, tokens } = parseArgs({ args, options: OPTIONS, strict: false, tokens: true });
	for (const token of tokens) {
		if (token.kind !== "option") continue;
		const { name, rawName } = token;
		if (!Object.hasOwn(OPTIONS, name)) throw new Error(`Unknown option ${rawName}${suggestion(name)}`);
		if (values[name] === true || values[name] === "") throw new Error(`${rawName} needs a value. Usage: ${usage}`);
	}
	const [label] = positionals;
	if (!label) throw new Error(`Usage: ${usage}`);
	if (positionals.length > 1) {
		throw new Error(`One source at a time, not ${positionals.length}: put names with spaces into quotes.`);
	}
	const source = isUrl(label) ? label : fromHere(label);
	const { split, seed, into, "max-gb": gigabytes, ...rest } = values as Record<string, string>;
	const fashion = isFashion(label) ? readFashionOptions(rest) : null;
	const [other] = Object.keys(rest);
	if (!fashion && other) throw new Error(`--${other} is for fashion: a folder's classes are its folders, all of them`);
	const ratios = (fashion ? FASHION_DEFAULTS : { ratios: RATIOS }).ratios;
	return {
		source,
		isFolder: statOrNull(source)?.isDirectory() ?? false,
		fashion,
		label,
		into: into === undefined ? at("dataset") : fromHere(into),
		ratios: split === undefined ? ratios : readRatios(split),
		seed: readNumber("--seed", seed, { integer: true }),
		maxBytes: 1e9 * readNumber("--max-gb", gigabytes, { above: 0 }),
	};
}

function readRatios(text: string): Record<Split, number> {
	const [train, valid, test, ...more] = text.split(",").map(Number);
	if ([train, valid, test].every((ratio) => ratio > 0 && Number.isFinite(ratio)) && more.length === 0) {
		return { train, valid, test };
	}
	throw new Error(
		`--split ${text}: expected three numbers above 0, for ${SPLITS.join(", ")}, for example ${Object.values(RATIOS)}`,
	);
}

function suggestion(typed: string): string {
	const name = nearest(typed, Object.keys(OPTIONS));
	return name ? `: did you mean --${name}?` : `. Usage: ${usage}`;
}

function checkPlaces({ source, label, isFolder, fashion, into }: Options): void {
	const nowhere = (path: string) => pathExists(path) && !statOrNull(path);
	if (nowhere(into)) throw new Error(`--into ${into} is a link that leads nowhere.`);
	if (statOrNull(into)?.isDirectory() === false) throw new Error(`--into ${into} is a file, not a folder.`);
	if (isUrl(source) || fashion) return;
	if (nowhere(source)) throw new Error(`${label} is a link that leads nowhere.`);
	const given = statOrNull(source);
	if (!given) throw new Error(`No such folder or archive: ${label}`);
	if (!isFolder && !given.isFile()) throw new Error(`${label} is neither a folder nor an archive.`);
	const [from, to] = [realPath(source), realPath(into)];
	if (isWithin(from, to)) throw new Error(`${label} is inside the data set's folder ${into}: move it out first.`);
	if (isWithin(to, from)) throw new Error(`The data set's folder ${into} is inside ${label}: give another folder.`);
}

/** The path without links; its last parts need not exist yet. */
function realPath(path: string): string {
	return existsSync(path) ? realpathSync.native(path) : join(realPath(dirname(path)), basename(path));
}

/** Links a file: the same bytes under another name, which can be moved without moving the user's. */
function linkOrCopy(from: string, to: string): void {
	try {
		linkSync(realpathSync(from), to);
	} catch {
		// Another disk, or one that knows no links.
		copy(from, to);
	}
}

const copy = (from: string, to: string) => copyFileSync(from, to, constants.COPYFILE_FICLONE);

function removeIfEmpty(folder: string): void {
	if (existsSync(folder) && readdirSync(folder).length === 0) rmdirSync(folder);
}

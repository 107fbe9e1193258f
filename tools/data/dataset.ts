// Brings the user's own images into dataset/: `npm run dataset -- FOLDER|ARCHIVE|URL`.
//
// A folder and an archive both become a list of entries (see entries.ts), which split.ts assigns to train, valid and
// test. Everything is prepared in .incoming and renamed into place at the end, so that a run that is stopped leaves the
// earlier data as it was, and the same command starts over.
import {
	constants,
	copyFileSync,
	existsSync,
	mkdirSync,
	readdirSync,
	realpathSync,
	renameSync,
	rmdirSync,
	rmSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { SPLIT_ALIASES, SPLITS, type Split } from "../../src/images/folders";
import { pathExists, statOrNull } from "../../src/support/files";
import { printable } from "../../src/support/text";
import { commands } from "../commands.mjs";
import { readNumber } from "../setup/numbers.mjs";
import { at, fromHere } from "../setup/paths.mjs";
import { nearest } from "../setup/text.mjs";
import { BadArchive, unpack } from "./archive";
import { download } from "./download";
import { counted, type Entry } from "./entries";
import { entriesOf, imagesByContent, isWithin, reportSkipped } from "./source";
import { makePlan, type Plan } from "./split";

const { usage } = commands.dataset;
const OPTIONS = {
	split: { type: "string", default: "70,15,15" },
	seed: { type: "string", default: "42" },
	into: { type: "string" },
	"max-gb": { type: "string", default: "20" },
} as const;

interface Options {
	/** The path or address of the source. */
	source: string;
	isFolder: boolean;
	/** The source as it was typed, for messages. */
	label: string;
	/** The folder for the data set. */
	into: string;
	ratios: Record<Split, number>;
	seed: number;
	/** The limit for a download, and for what an archive holds. */
	maxBytes: number;
}

const isUrl = (source: string) => /^https?:\/\//i.test(source);

/** Copies, or unpacks, the images of a folder, an archive or an address into `dataset/`, split and by class. */
export async function main(args: string[]): Promise<void> {
	const options = readOptions(args);
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
	const archive = isUrl(source) ? await download(source, join(into, ".download"), { maxBytes }) : source;
	const found = isFolder ? [...entriesOf(source)] : await unpackSource(archive, options, join(incoming, "unpacked"));
	found.sort((a, b) => (a.path < b.path ? -1 : 1));
	reportSkipped(found);
	const plan = makePlan(imagesByContent(found), options);
	place(plan, incoming, isFolder ? copy : renameSync);
	putInPlace(incoming, into);
	if (isUrl(source)) rmSync(archive);
	summarise(plan, into);
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
	const { split, seed, into, "max-gb": gigabytes } = values as Record<string, string>;
	return {
		source,
		isFolder: statOrNull(source)?.isDirectory() ?? false,
		label,
		into: into === undefined ? at("dataset") : fromHere(into),
		ratios: readRatios(split),
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
		`--split ${text}: expected three numbers above 0, for ${SPLITS.join(", ")}, for example ${OPTIONS.split.default}`,
	);
}

function suggestion(typed: string): string {
	const name = nearest(typed, Object.keys(OPTIONS));
	return name ? `: did you mean --${name}?` : `. Usage: ${usage}`;
}

function checkPlaces({ source, label, isFolder, into }: Options): void {
	const nowhere = (path: string) => pathExists(path) && !statOrNull(path);
	if (nowhere(into)) throw new Error(`--into ${into} is a link that leads nowhere.`);
	if (statOrNull(into)?.isDirectory() === false) throw new Error(`--into ${into} is a file, not a folder.`);
	if (isUrl(source)) return;
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

function removeIfEmpty(folder: string): void {
	if (existsSync(folder) && readdirSync(folder).length === 0) rmdirSync(folder);
}

const copy = (from: string, to: string) => copyFileSync(from, to, constants.COPYFILE_FICLONE);

function place(plan: Plan, incoming: string, put: (from: string, to: string) => void): void {
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
function putInPlace(incoming: string, into: string): void {
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

function summarise(plan: Plan, into: string): void {
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
	const next = into === at("dataset") ? "npm start" : `npm start -- --dataset ${into}`;
	console.log(`\n${lines.join("\n")}\n\nThe images are in ${into}. Next: ${next}`);
}

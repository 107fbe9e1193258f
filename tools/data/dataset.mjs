// Brings the user's own pictures into dataset/: `npm run dataset -- FOLDER|ARCHIVE|URL`.
//
// A folder and an archive both become a list of entries (see `entryFor`), which is then sorted into
// train, valid and test. All is prepared in .incoming and renamed into place at the end, so a run that is
// stopped anywhere leaves the earlier data as it was, and the same command simply starts over.
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
	statSync,
} from "node:fs";
import { basename, dirname, join, relative, sep } from "node:path";
import { parseArgs } from "node:util";
import { BadArchive, download, entryFor, unpack } from "./archive.mjs";
import { at, fromHere, isNear, run } from "../common.mjs";
import { setup } from "../setup.mjs";

const usage = "Usage: npm run dataset -- FOLDER|ARCHIVE|URL [--split 70,15,15] [--seed 42] [--into DIR] [--max-gb 20]";
const optionTypes = {
	split: { type: "string", default: "70,15,15" },
	seed: { type: "string", default: "42" },
	into: { type: "string" },
	"max-gb": { type: "string", default: "20" },
	help: { type: "boolean", short: "h" },
};

const splits = ["train", "valid", "test"];
const splitNames = new Map([...splits.map((name) => [name, name]), ["validation", "valid"], ["val", "valid"]]);

const isUrl = (source) => /^https?:\/\//i.test(source);
const isPicture = ({ kind }) => kind === "picture";

// Names come from strangers: control characters would break the one line, or command the terminal.
const shown = (text) => text.replace(/\p{Cc}/gu, encodeURIComponent);
const count = (number, word) => `${number.toLocaleString("en")} ${word}${number === 1 ? "" : "s"}`;

async function main() {
	const options = readOptions(process.argv.slice(2));
	if (options.help) return console.log(usage);
	checkPlaces(options);
	await setup();
	try {
		await bringIn(options);
	} catch (error) {
		// Any message may quote a name out of the source.
		error.message = shown(error.message);
		throw error;
	} finally {
		rmSync(join(options.into, ".incoming"), { recursive: true, force: true });
		for (const folder of [join(options.into, ".download"), options.into]) removeIfEmpty(folder);
	}
}

async function bringIn(options) {
	const { source, isFolder, into } = options;
	const incoming = join(into, ".incoming");
	rmSync(incoming, { recursive: true, force: true });
	mkdirSync(incoming, { recursive: true });
	const archive = isUrl(source) ? await download(source, join(into, ".download")) : source;
	const entries = isFolder ? [...walk(source)] : await unpackSource(archive, options, join(incoming, "unpacked"));
	entries.sort((a, b) => (a.path < b.path ? -1 : 1));
	reportSkipped(entries);
	const plan = makePlan(entries, options);
	place(plan, incoming, isFolder ? copy : renameSync);
	putInPlace(incoming, into);
	if (isUrl(source)) rmSync(archive);
	summarise(plan, into);
}

async function unpackSource(archive, { source, label, maxBytes }, folder) {
	console.log(`unpacking ${label}`);
	try {
		return await unpack(archive, folder, { label, maxBytes });
	} catch (error) {
		// Kept, a bad download would be taken for the finished one for ever.
		if (isUrl(source) && error instanceof BadArchive) rmSync(archive);
		throw error;
	}
}

/** The command line as plain data, or an error that says what is wrong with it. */
function readOptions(args) {
	// Not strict, because the errors of strict parsing are several lines and know no "did you mean".
	const { values, positionals, tokens } = parseArgs({ args, options: optionTypes, strict: false, tokens: true });
	for (const { kind, name, rawName } of tokens) {
		if (kind !== "option") continue;
		if (!Object.hasOwn(optionTypes, name)) throw new Error(`Unknown option ${rawName}${suggestion(name)}`);
		if (name !== "help" && [true, ""].includes(values[name])) throw new Error(`${rawName} needs a value. ${usage}`);
	}
	if (values.help) return { help: true };
	if (!positionals[0]) throw new Error(usage);
	if (positionals.length > 1) {
		throw new Error(`One source at a time, not ${positionals.length}: put names with spaces into quotes.`);
	}
	const source = isUrl(positionals[0]) ? positionals[0] : fromHere(positionals[0]);
	return {
		source,
		isFolder: existsSync(source) && statSync(source).isDirectory(),
		label: positionals[0],
		into: values.into === undefined ? at("dataset") : fromHere(values.into),
		shares: readShares(values.split),
		seed: readNumber("--seed", values.seed, Number.isSafeInteger, "a whole number"),
		maxBytes: 1e9 * readNumber("--max-gb", values["max-gb"], (number) => number > 0, "a positive number"),
	};
}

function readNumber(option, text, isGood, wanted) {
	const number = text.trim() === "" ? Number.NaN : Number(text);
	if (!isGood(number)) throw new Error(`${option} wants ${wanted}, not "${text}".`);
	return number;
}

function readShares(text) {
	const shares = text.split(",").map(Number);
	if (shares.length !== 3 || !shares.every((share) => share > 0 && Number.isFinite(share))) {
		throw new Error(`--split wants three positive numbers, for train, valid and test, like 70,15,15, not "${text}".`);
	}
	return { train: shares[0], valid: shares[1], test: shares[2] };
}

function suggestion(typed) {
	const [name] = [1, 2].flatMap((edits) => Object.keys(optionTypes).filter((known) => isNear(typed, known, edits)));
	return name ? `: did you mean --${name}?` : `. ${usage}`;
}

function checkPlaces({ source, label, isFolder, into }) {
	if (existsSync(into) && !statSync(into).isDirectory()) throw new Error(`--into ${into} is a file, not a folder.`);
	if (isUrl(source)) return;
	if (!existsSync(source)) throw new Error(`No such folder or archive: ${label}`);
	if (!isFolder && !statSync(source).isFile()) throw new Error(`${label} is neither a folder nor an archive.`);
	const [from, to] = [realPlace(source), realPlace(into)];
	if (isWithin(from, to)) throw new Error(`${label} lies inside the data set's folder ${into}: move it out first.`);
	if (isWithin(to, from)) throw new Error(`The data set's folder ${into} lies inside ${label}: give another folder.`);
}

/** The path without links; its last parts need not exist yet. */
function realPlace(path) {
	return existsSync(path) ? realpathSync.native(path) : join(realPlace(dirname(path)), basename(path));
}

const isWithin = (path, folder) => relative(folder, path).split(sep)[0] !== "..";

function removeIfEmpty(folder) {
	if (existsSync(folder) && readdirSync(folder).length === 0) rmdirSync(folder);
}

/** The entries of a folder. Links are listed but not followed: inside the source they would double a picture. */
function* walk(folder, above = "") {
	for (const item of readdirSync(folder, { withFileTypes: true })) {
		const file = join(folder, item.name);
		const entry = entryFor(above + item.name, item.isDirectory());
		if (entry === null) continue;
		// Node reads a name that is not UTF-8 as another name, under which there is nothing.
		if (item.name.includes("\ufffd") && !existsSync(file)) throw new Error(`${file} has a name that is not UTF-8.`);
		if (item.isSymbolicLink()) yield { ...entry, kind: "link" };
		else if (item.isDirectory() || item.isFile()) yield { ...entry, file };
		else yield { ...entry, kind: "other" };
		if (item.isDirectory()) yield* walk(file, `${entry.path}/`);
	}
}

function reportSkipped(entries) {
	const others = entries.filter(({ kind }) => kind === "other");
	const links = entries.filter(({ kind }) => kind === "link");
	const what = others.length === 1 ? "is not a picture" : "are not pictures";
	if (others.length > 0) console.log(`skipped ${count(others.length, "file")} that ${what}: ${someOf(others)}`);
	if (links.length > 0) console.log(`skipped ${count(links.length, "symbolic link")}: ${someOf(links)}`);
}

function someOf(entries) {
	const names = entries.slice(0, 5).map(({ path }) => shown(path));
	return names.join(", ") + (entries.length > names.length ? ", …" : "");
}

/** Which picture goes where: split → class → pictures, each with its path below the class folder. */
function makePlan(entries, { label, shares, seed }) {
	const source = unwrap({ entries, where: label });
	const given = givenSplits(source);
	if (given === null) return splitClasses(classesOf(source), shares, seed);

	const names = Object.values(given);
	const outside = source.entries.filter((entry) => isPicture(entry) && !names.includes(firstOf(entry)));
	const those = count(outside.length, "picture");
	if (outside.length > 0) console.log(`left out ${those} outside ${names.join(", ")}: ${someOf(outside)}`);
	const plan = {};
	for (const split of splits) {
		if (given[split]) plan[split] = classesOf(inside(source, given[split]));
	}
	checkSameClasses(plan, label);
	if (plan.valid) return plan;
	console.log("there is no valid folder: its pictures are taken from train");
	return { ...splitClasses(plan.train, { train: shares.train, valid: shares.valid }, seed), test: plan.test };
}

const isAtTop = ({ path }) => !path.includes("/");
const firstOf = ({ path }) => path.split("/", 1)[0];

function folderNames({ entries }) {
	return [...new Set(entries.filter((entry) => entry.kind === "folder" || !isAtTop(entry)).map(firstOf))];
}

/** The part of a source that lies in one of its folders, with paths that start there. */
function inside({ entries, where }, folder) {
	const within = entries.filter(({ path }) => path.startsWith(`${folder}/`));
	const below = within.map((entry) => ({ ...entry, path: entry.path.slice(folder.length + 1) }));
	return { entries: below, where: `${where}/${folder}` };
}

/** Archives often hold a single folder with everything in it: what counts begins below. */
function unwrap(source) {
	const folders = folderNames(source);
	const pictures = source.entries.filter(isPicture);
	if (folders.length !== 1 || pictures.some(isAtTop)) return source;
	const wrapped = inside(source, folders[0]);
	return wrapped.entries.some((entry) => isPicture(entry) && !isAtTop(entry)) ? unwrap(wrapped) : source;
}

/** The source's own names of train, valid and test; null when its folders are classes. */
function givenSplits(source) {
	const given = {};
	for (const name of folderNames(source)) {
		const split = splitNames.get(name.toLowerCase());
		if (given[split]) throw new Error(`${source.where} has both ${given[split]} and ${name}: keep one of them.`);
		if (split) given[split] = name;
	}
	// A single one of these names may well be a class: trains, planes and ships.
	if (Object.keys(given).length < 2) return null;
	const absent = ["train", "test"].find((split) => !given[split]);
	if (absent) throw new Error(`${source.where} has ${Object.values(given).join(" and ")} but no ${absent} folder.`);
	return given;
}

/** Class name → pictures. Both keep the order of the entries, which is that of the names. */
function classesOf(source) {
	const { entries, where } = source;
	const stray = entries.find((entry) => isPicture(entry) && isAtTop(entry));
	const names = folderNames(source);
	const example = (picture) => `put pictures into one folder per class, for example ${where}/cats/${picture}`;
	if (stray) throw new Error(`${stray.path} lies directly in ${where}: ${example(stray.path)}`);
	if (names.length === 0) throw new Error(`${where} has no class folders: ${example("1.jpg")}`);
	if (names.length === 1) throw new Error(`${where} has only one class, ${names[0]}: at least two are needed.`);

	const classes = new Map(names.map((name) => [name, []]));
	for (const entry of entries.filter(isPicture)) {
		const name = firstOf(entry);
		classes.get(name).push({ ...entry, path: entry.path.slice(name.length + 1) });
	}
	for (const [name, pictures] of classes) {
		if (pictures.length === 0) throw new Error(`${where}/${name} has no pictures: add some or remove the folder.`);
	}
	return classes;
}

function checkSameClasses(plan, where) {
	const all = new Set(Object.values(plan).flatMap((classes) => [...classes.keys()]));
	for (const [split, classes] of Object.entries(plan)) {
		for (const name of all) {
			if (!classes.has(name)) throw new Error(`${where} has a class ${name}, but none in ${split}.`);
		}
	}
}

/** Divides each class by the shares, so that every part has the same mix. */
function splitClasses(classes, shares, seed) {
	const parts = Object.keys(shares);
	const plan = Object.fromEntries(parts.map((part) => [part, new Map()]));
	for (const [name, pictures] of classes) {
		if (pictures.length < parts.length) {
			const have = `${name} has ${count(pictures.length, "picture")}`;
			throw new Error(`${have}: at least ${parts.length} are needed, one each for ${parts.join(", ")}.`);
		}
		// The same seed for each class: a new class does not change how the others are split.
		const shuffled = shuffle(pictures, seed);
		const counts = apportion(pictures.length, Object.values(shares));
		parts.forEach((part, i) => {
			plan[part].set(name, shuffled.splice(0, counts[i]));
		});
	}
	return plan;
}

/** `total` in whole parts as near to the shares as can be, none of them empty. */
function apportion(total, shares) {
	const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
	const exact = shares.map((share) => (total * share) / sum(shares));
	const counts = exact.map((number) => Math.max(1, Math.floor(number)));
	const furthest = (gaps) => gaps.indexOf(Math.max(...gaps));
	while (sum(counts) < total) counts[furthest(exact.map((number, i) => number - counts[i]))]++;
	while (sum(counts) > total) counts[furthest(exact.map((number, i) => (counts[i] > 1 ? counts[i] - number : -1)))]--;
	return counts;
}

/** A shuffled copy, the same for the same seed on every machine (Fisher and Yates, with mulberry32). */
function shuffle(items, seed) {
	const shuffled = [...items];
	let state = seed | 0;
	const random = () => {
		state = (state + 0x6d2b79f5) | 0;
		let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	};
	for (let i = shuffled.length - 1; i > 0; i--) {
		const j = Math.floor(random() * (i + 1));
		[shuffled[i], shuffled[j]] = [shuffled[j], shuffled[i]];
	}
	return shuffled;
}

const copy = (from, to) => copyFileSync(from, to, constants.COPYFILE_FICLONE);

function place(plan, incoming, put) {
	const pictures = Object.values(plan).flatMap((classes) => [...classes.values()].flat());
	console.log(`sorting ${count(pictures.length, "picture")} into ${splits.join(", ")}`);
	for (const split of splits) {
		for (const [name, pictures] of plan[split]) {
			for (const { path, file } of pictures) {
				const target = join(incoming, split, name, path);
				// Names that differ in a source may be the same here: not every file system tells A from a.
				if (existsSync(target)) throw new Error(`${name} has two pictures that would both be ${path} here.`);
				mkdirSync(dirname(target), { recursive: true });
				put(file, target);
			}
		}
	}
}

/** Moves the earlier data aside and the new in. Nothing is deleted. */
function putInPlace(incoming, into) {
	const earlier = [...splits, "sample.json", "quarantine"].filter((name) => existsSync(join(into, name)));
	if (earlier.length > 0) {
		const previous = join(into, `previous-${new Date().toISOString().replace(/[:.]/g, "-")}`);
		mkdirSync(previous);
		for (const name of earlier) renameSync(join(into, name), join(previous, name));
		console.log(`moved the earlier ${earlier.join(", ")} to ${previous}`);
	}
	for (const split of splits) renameSync(join(incoming, split), join(into, split));
}

function summarise(plan, into) {
	const countsOf = (name) => splits.map((split) => plan[split].get(name).length);
	const rows = [...plan.train.keys()].map((name) => [shown(name), ...countsOf(name)]);
	const totals = splits.map((_, i) => rows.reduce((sum, row) => sum + row[i + 1], 0));
	const table = [["class", ...splits], ...rows, ["all", ...totals]];
	const width = Math.max(...table.map(([name]) => name.length));
	const cellsOf = (numbers) => numbers.map((number) => String(number).padStart(9)).join("");
	const lines = table.map(([name, ...numbers]) => name.padEnd(width) + cellsOf(numbers));
	const next = into === at("dataset") ? "npm start" : `npm start -- --dataset ${into}`;
	console.log(`\n${lines.join("\n")}\n\nThe pictures are in ${into}. Next: ${next}`);
}

await run(main);

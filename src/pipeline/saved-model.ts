// Saves and loads trained models: the files in `<artifacts>/model/`, with their record in `<artifacts>/training.json`.
//
// The record has the SHA-256 of its model's files. A save moves the earlier model aside, the new one into its place, and
// then writes the record: at each moment one whole folder fits the record, and that is the one that is loaded.
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout } from "node:timers/promises";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { isPretrainedName, weightsSource } from "../cnn/pretrained";
import { fingerprint } from "../datasets/fingerprint";
import { saveArtifact } from "../support/artifacts";
import { flushFile, readRegularFile, sha256OfFile } from "../support/files";
import { isRunning } from "../support/processes";
import { writeReason } from "../support/writing";
import { setPrecision } from "../tensorflow/precision";
import { recordClasses, requireModelClasses } from "../training/classes";
import { compile } from "../training/compile";
import { ARTIFACTS, type ModelFiles, type ModelRecord, readTraining, type TrainingRecord } from "./records";

/** Folders of saves that have not ended, or were killed: a new model, or an earlier one. The number is the process. */
const UNFINISHED = /^model\.(\d+)-\d+\.(new|\d+\.old)$/;

/**
 * Saves a model as `<artifacts>/model/` (tfjs layers format) and its record as `<artifacts>/training.json`. A save that
 * fails or is killed leaves the earlier model.
 *
 * @param record what the model was trained on; `data`: `fingerprint` of its images. Default: that of the images now
 * @returns the saved record
 * @throws when a weight is not a finite number, the record has other classes than the model, or the model cannot be written
 */
export async function saveModel(
	model: tf.LayersModel,
	artifacts: string,
	record: TrainingRecord & { data?: string },
): Promise<ModelRecord> {
	requireFiniteWeights(model);
	const classes = { classNames: record.classNames, of: "the record" };
	requireModelClasses(model, classes);
	recordClasses(model, classes);
	const dataset = resolve(record.dataset);
	const data = record.data ?? (await fingerprint(dataset).catch(() => null));
	const name = join(artifacts, `model.${process.pid}-${Date.now()}`);
	try {
		const files = await writeModel(model, `${name}.new`);
		const { backbone } = record.parameters;
		const weights = isPretrainedName(backbone) && { weights: weightsSource(backbone) };
		const saved = { ...record, dataset, data, files, ...weights };
		moveIntoPlace(artifacts, name);
		saveArtifact(artifacts, ARTIFACTS.training, saved);
		removeUnfinished(artifacts);
		return saved;
	} catch (error) {
		rmSync(`${name}.new`, { recursive: true, force: true });
		const reason = writeReason(artifacts, error, 4 * model.countParams());
		throw new Error(`${join(artifacts, "model")} cannot be saved, and the earlier model stays: ${reason}`);
	}
}

function requireFiniteWeights(model: tf.LayersModel): void {
	const allFinite = (weight: tf.Tensor) =>
		weight.dtype !== "float32" || tf.tidy(() => weight.isFinite().all().dataSync()[0] === 1);
	const weight = model.weights.find((variable) => !allFinite(variable.read()));
	if (!weight) return;
	throw new Error(
		`the weights ${weight.originalName} are not finite numbers: the model is not saved, and an earlier one stays; train with a lower learningRate`,
	);
}

/** Writes the files of a model to a new folder, down to the disk, and returns their checksums. */
async function writeModel(model: tf.LayersModel, folder: string): Promise<ModelFiles> {
	mkdirSync(folder, { recursive: true });
	await model.save(`file://${resolve(folder)}`);
	const checksum = async (name: string) => {
		await flushFile(join(folder, name));
		return sha256OfFile(join(folder, name));
	};
	return { "model.json": await checksum("model.json"), "weights.bin": await checksum("weights.bin") };
}

/** Moves the earlier model aside, and the new one into its place. */
function moveIntoPlace(artifacts: string, name: string): void {
	const folder = join(artifacts, "model");
	for (let attempt = 0; ; attempt++) {
		try {
			renameSync(folder, `${name}.${attempt}.old`);
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
		}
		try {
			renameSync(`${name}.new`, folder);
			return;
		} catch (error) {
			// Another process has put its model there meanwhile.
			const isTaken = ["ENOTEMPTY", "EEXIST"].includes((error as NodeJS.ErrnoException).code ?? "");
			if (!isTaken || attempt === 9) throw error;
		}
	}
}

/** Removes the models that saves of this process have moved aside, and what is left of processes that were killed. */
function removeUnfinished(artifacts: string): void {
	for (const folder of readdirSync(artifacts)) {
		const [, pid, kind] = UNFINISHED.exec(folder) ?? [];
		if (!pid) continue;
		// Another save of this process can be writing its new model.
		const isOver = Number(pid) === process.pid ? kind !== "new" : !isRunning(Number(pid));
		if (isOver) rmSync(join(artifacts, folder), { recursive: true, force: true });
	}
}

/**
 * Loads the model that `saveModel` saved, compiled, with the precision that it was trained in.
 *
 * @returns the model and its record, or null when none is saved
 * @throws when it is damaged: the message names the file and what to do, `cause` is its first part
 */
export async function loadModel(artifacts: string): Promise<{ model: tf.LayersModel; record: ModelRecord } | null> {
	try {
		const saved = await readSaved(artifacts);
		if (!saved) return null;
		const weights = new Uint8Array(saved.weights).buffer;
		const model = await tf.loadLayersModel({
			load: () => tf.io.getModelArtifactsForJSON(saved.json, async ([group]) => [group.weights, weights]),
		});
		const { record } = saved;
		compile(model, record.parameters.learningRate);
		setPrecision(model, record.parameters.precision ?? "float32");
		requireSameRecord(model, artifacts, record);
		return { model, record };
	} catch (error) {
		const { message } = error as Error;
		throw new Error(`${message}: train a new model with npm start`, { cause: message });
	}
}

/** @throws when the classes of the record, which has no checksum itself, are not the model's */
function requireSameRecord(model: tf.LayersModel, artifacts: string, { classNames }: ModelRecord): void {
	const file = join(artifacts, `${ARTIFACTS.training}.json`);
	try {
		requireModelClasses(model, { classNames, of: file });
	} catch (error) {
		throw new Error(`${file} does not fit its model (${(error as Error).message})`);
	}
}

type Saved = { record: ModelRecord; json: ModelJson; weights: Buffer };
type ModelJson = Parameters<typeof tf.io.getModelArtifactsForJSON>[0];

/** Reads the record and the files that fit it. Both may be replaced meanwhile, so it looks twice. */
async function readSaved(artifacts: string, again = true): Promise<Saved | null> {
	const record = readTraining(artifacts);
	if (!record) return null;
	const unfinished = readdirSync(artifacts).filter((name) => UNFINISHED.test(name));
	const errors: Error[] = [];
	for (const folder of ["model", ...unfinished]) {
		try {
			return { record, ...(await readModel(join(artifacts, folder), record.files)) };
		} catch (error) {
			errors.push(error as Error);
		}
	}
	if (!again) throw errors[0];
	await setTimeout(100);
	return readSaved(artifacts, false);
}

async function readModel(folder: string, files: ModelFiles): Promise<Omit<Saved, "record">> {
	const read = async (name: keyof ModelFiles) => {
		const path = join(folder, name);
		try {
			const bytes = await readRegularFile(path);
			if (createHash("sha256").update(bytes).digest("hex") === files[name]) return bytes;
		} catch (error) {
			const { code, message } = error as NodeJS.ErrnoException;
			throw new Error(code === "ENOENT" ? `${path} is missing` : `${path} cannot be read (${message})`);
		}
		throw new Error(`${path} is damaged (its content is not what was saved with training.json)`);
	};
	return { json: JSON.parse((await read("model.json")).toString()), weights: await read("weights.bin") };
}

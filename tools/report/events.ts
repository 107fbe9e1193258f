// TensorBoard's event files: records with checksums, each a protocol buffer with scalars, images or hyperparameters.
import { parse } from "protobufjs";
import type { Value, Values } from "../run/arguments";

/** A value that TensorBoard shows under its tag, as `summary.proto` has it. */
export interface Summary {
	tag: string;
	tensor: object;
	metadata: object;
}

/** A value at a time in seconds since 1970, and at a step from 0. */
export interface Event {
	wallTime: number;
	step?: number;
	summary: Summary;
}

// The fields of event.proto, summary.proto, tensor.proto and the plugin's plugin_data.proto that are used here.
const { root } = parse(`
	syntax = "proto3";
	message Dimension { int64 size = 1; }
	message Shape { repeated Dimension dim = 2; }
	message Tensor { int32 dtype = 1; Shape tensorShape = 2; bytes tensorContent = 4; repeated bytes stringVal = 8; }
	message PluginData { string pluginName = 1; bytes content = 2; }
	message Metadata { PluginData pluginData = 1; }
	message SummaryValue { string tag = 1; Tensor tensor = 8; Metadata metadata = 9; }
	message Summary { repeated SummaryValue value = 1; }
	message Event { double wallTime = 1; int64 step = 2; string fileVersion = 3; Summary summary = 5; }
	message Hyperparameter { oneof kind { double numberValue = 2; string stringValue = 3; bool boolValue = 4; } }
	message SessionStart { map<string, Hyperparameter> hparams = 1; double startTimeSecs = 5; }
	message SessionEnd { int32 status = 1; double endTimeSecs = 2; }
	message HParams { SessionStart sessionStartInfo = 3; SessionEnd sessionEndInfo = 4; }
`);

/** Element types of tensors. */
const TYPE = { float: 1, string: 7 };
const STATUS_SUCCESS = 1;

const plugin = (pluginName: string, content?: Uint8Array) => ({
	pluginData: { pluginName, ...(content && { content }) },
});

/** Returns a number as `tf.summary.scalar` writes it: in float32. */
export function scalar(tag: string, value: number): Summary {
	const tensorContent = Buffer.alloc(4);
	tensorContent.writeFloatLE(value);
	return { tag, tensor: { dtype: TYPE.float, tensorShape: {}, tensorContent }, metadata: plugin("scalars") };
}

/**
 * Returns images as `tf.summary.image` writes them.
 *
 * @param images PNG or JPEG files of one size
 * @param size their width and height in pixels
 */
export function image(
	tag: string,
	images: Uint8Array[],
	{ width, height }: Record<"width" | "height", number>,
): Summary {
	const stringVal = [Buffer.from(String(width)), Buffer.from(String(height)), ...images];
	const tensorShape = { dim: [{ size: stringVal.length }] };
	return { tag, tensor: { dtype: TYPE.string, tensorShape, stringVal }, metadata: plugin("images") };
}

/** Returns the hyperparameters of a run, which begins at a time in seconds, for TensorBoard's table of them. */
export function sessionStart(values: Values, startTimeSecs: number): Summary {
	const hparams = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, hyperparameter(value)]));
	return hparamsSummary("session_start_info", { sessionStartInfo: { hparams, startTimeSecs } });
}

function hyperparameter(value: Value): object {
	if (typeof value === "boolean") return { boolValue: value };
	return typeof value === "number" ? { numberValue: value } : { stringValue: value };
}

/** Returns that a run has ended successfully, at a time in seconds. */
export const sessionEnd = (endTimeSecs: number): Summary =>
	hparamsSummary("session_end_info", { sessionEndInfo: { status: STATUS_SUCCESS, endTimeSecs } });

function hparamsSummary(name: string, data: object): Summary {
	const content = root.lookupType("HParams").encode(data).finish();
	// The data are in the metadata; a summary needs a tensor all the same.
	const tensor = { dtype: TYPE.float, tensorShape: { dim: [{}] } };
	return { tag: `_hparams_/${name}`, tensor, metadata: plugin("hparams", content) };
}

/** Returns the bytes of an event file. */
export function encodeEvents(events: Event[]): Buffer {
	const version = { wallTime: events[0]?.wallTime ?? 0, fileVersion: "brain.Event:2" };
	const encoded = events.map(({ wallTime, step, summary }) => ({
		wallTime,
		// As in files of TensorFlow, zero is not written.
		...(step && { step }),
		summary: { value: [summary] },
	}));
	const type = root.lookupType("Event");
	return Buffer.concat([version, ...encoded].flatMap((event) => record(type.encode(event).finish())));
}

/** Frames the bytes of a record as TFRecord does: length, its checksum, bytes, their checksum. */
function record(bytes: Uint8Array): Uint8Array[] {
	const [length, end] = [Buffer.alloc(12), Buffer.alloc(4)];
	length.writeBigUInt64LE(BigInt(bytes.length));
	length.writeUInt32LE(masked(crc32c(length.subarray(0, 8))), 8);
	end.writeUInt32LE(masked(crc32c(bytes)));
	return [length, bytes, end];
}

/** Turns and shifts a checksum, since checksums of data with checksums in them are weak. */
const masked = (crc: number) => (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;

const CRCS = Uint32Array.from({ length: 256 }, (_, byte) => {
	let crc = byte;
	for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
	return crc;
});

/** Returns the CRC-32C (Castagnoli) of RFC 3720. Node has that of ISO 3309 only. */
export function crc32c(bytes: Uint8Array): number {
	let crc = 0xffffffff;
	for (const byte of bytes) crc = CRCS[(crc ^ byte) & 0xff] ^ (crc >>> 8);
	return (crc ^ 0xffffffff) >>> 0;
}

// Decodes the bytes of one image: by TensorFlow, or else by `raw.ts`.
import * as tf from "@tensorflow/tfjs-node-gpu";
import { decodeImageBytes } from "../tensorflow/image-operations";
import { type Format, formatOf, jpegFrame, readerOf } from "./formats";
import { decodeRaw, type RawImage, whiteGif, withChannels } from "./raw";

/**
 * Decodes the bytes of an image file, without resizing or turning it; see `loadImage` for what the pixels are.
 *
 * @param path the file's name for the message
 * @param channels 1, 3 or 4
 * @returns float32 `[height, width, channels]` in 0–255
 * @throws when they cannot be decoded; `cause` is the decoder's message
 */
export async function decodeImage(path: string, bytes: Uint8Array, channels: 1 | 3 | 4): Promise<tf.Tensor3D> {
	try {
		const format = formatOf(bytes);
		if (!format?.decoder) throw new Error(format ? `${format.name} is not supported` : "the start of no known format");
		if (format.decoder !== "TensorFlow") return toTensor(withChannels(await decodeRaw(format, bytes), channels));
		if (channelsOf(format, bytes).includes(channels)) return tf.tidy(() => decodeImageBytes(bytes, channels));
		return toTensor(withChannels(decodeRgb(format, bytes, channels), channels));
	} catch (error) {
		const { message } = error as Error;
		// TensorFlow's first line has an error code, its second line the explanation.
		const reason = (/^Message: (.*)/m.exec(message)?.[1] ?? message.split("\n")[0]).trim();
		throw new Error(`${path} cannot be decoded (${reason}): run cleanTheData on its data set first`, { cause: reason });
	}
}

/** Returns the numbers of channels to which TensorFlow decodes an image of a format. */
function channelsOf({ name }: Format, bytes: Uint8Array): number[] {
	if (name === "PNG") return [1, 3, 4];
	if (name === "BMP") return [3, 4];
	const isCmyk = name === "JPEG" && jpegFrame(readerOf(bytes))?.components === 4;
	return name === "JPEG" && !isCmyk ? [1, 3] : [3];
}

/** Decodes by TensorFlow to RGB; to RGBA if the image has transparency and four channels are wanted. */
function decodeRgb({ name }: Format, bytes: Uint8Array, channels: number): RawImage {
	const read = (file: Uint8Array): RawImage => {
		const pixels = tf.tidy(() => decodeImageBytes(file, 3));
		const [height, width] = pixels.shape;
		const data = new Uint8Array(pixels.dataSync<"float32">());
		pixels.dispose();
		return { data, width, height, channels: 3 };
	};
	const image = read(bytes);
	if (name !== "GIF" || channels !== 4) return image;
	const opaque = read(whiteGif(bytes)).data;
	const rgba = withChannels(image, 4);
	for (let i = 3; i < rgba.data.length; i += 4) rgba.data[i] = opaque[((i - 3) / 4) * 3];
	return rgba;
}

const toTensor = ({ data, width, height, channels }: RawImage): tf.Tensor3D =>
	tf.tensor3d(new Float32Array(data), [height, width, channels]);

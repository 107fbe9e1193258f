// TensorFlow image operations that tfjs-node lacks: DecodeImage, ImageProjectiveTransformV3.
import * as tf from "@tensorflow/tfjs-node-gpu";
import { DType, nodeBackend, runOperation } from "./backend";

/** How pixels outside the image are filled, as Keras's `fill_mode`. */
export type FillMode = "reflect" | "constant" | "wrap" | "nearest";

/** Options of `projectiveTransform`. */
export interface ResampleOptions {
	/** How pixels outside the image are filled. Default `"reflect"`: the image flipped at its edge. */
	fillMode?: FillMode;
	/** How pixels are interpolated. Default `"bilinear"`. */
	interpolation?: "bilinear" | "nearest";
	/** The value of pixels outside the image for `fillMode: "constant"`. Default 0. */
	fillValue?: number;
}

/**
 * Applies a projective transformation to each image, by TensorFlow's `ImageProjectiveTransformV3`.
 *
 * Calls the operation through the backend: tfjs-node has no kernel for `tf.image.transform` (tensorflow/tfjs#6050, #6437).
 * Can go when it has one.
 *
 * @param images float32 `[batch, height, width, channels]`
 * @param matrices float32 `[batch, 8]`: output coordinates to input coordinates, as TensorFlow defines them
 * @returns images of the same shape
 */
export function projectiveTransform(images: tf.Tensor4D, matrices: tf.Tensor2D, options: ResampleOptions): tf.Tensor4D {
	const { interpolation = "bilinear", fillMode = "reflect", fillValue = 0 } = options;
	const backend = nodeBackend();
	const { TF_ATTR_TYPE, TF_ATTR_STRING, TF_FLOAT } = backend.binding;
	const attributes = [
		{ name: "dtype", type: TF_ATTR_TYPE, value: TF_FLOAT },
		{ name: "interpolation", type: TF_ATTR_STRING, value: interpolation.toUpperCase() },
		{ name: "fill_mode", type: TF_ATTR_STRING, value: fillMode.toUpperCase() },
	];
	const size = tf.tensor1d(images.shape.slice(1, 3), "int32");
	const inputs = [images, matrices, size, tf.scalar(fillValue)];
	return backend.executeSingleOutput("ImageProjectiveTransformV3", attributes, inputs) as tf.Tensor4D;
}

/**
 * Decodes an image file by TensorFlow's `DecodeImage`.
 *
 * Calls the operation through the backend: `tf.node.decodeImage` does not decode WebP (tensorflow/tfjs#8363). Can go when
 * it does.
 *
 * @param bytes a JPEG, PNG, GIF (its first frame), BMP or WebP file
 * @param channels 1, 3 or 4
 * @returns float32 `[height, width, channels]` in 0–255
 * @throws TensorFlow's error when the bytes cannot be decoded
 */
export function decodeImageBytes(bytes: Uint8Array, channels: number): tf.Tensor3D {
	const backend = nodeBackend();
	const { TF_ATTR_TYPE, TF_ATTR_INT, TF_ATTR_BOOL } = backend.binding;
	const attributes = [
		{ name: "channels", type: TF_ATTR_INT, value: channels },
		{ name: "dtype", type: TF_ATTR_TYPE, value: DType.uint8 },
		{ name: "expand_animations", type: TF_ATTR_BOOL, value: false },
	];
	const contents = tf.scalar(bytes as unknown as string, "string");
	const pixels = backend.executeSingleOutput("DecodeImage", attributes, [contents]);
	return toFloats(pixels) as tf.Tensor3D;
}

/**
 * Casts uint8 to float32.
 *
 * Runs TensorFlow's `Cast` by name: tfjs has no dtype for uint8 (tensorflow/tfjs#206) and would cast from int32.
 */
export function toFloats(bytes: tf.Tensor): tf.Tensor {
	return runOperation("Cast", { SrcT: DType.uint8, DstT: DType.float32 }, [bytes]);
}

// TensorFlow image operations that tfjs-node lacks: DecodeImage, ImageProjectiveTransformV3.
import * as tf from "@tensorflow/tfjs-node-gpu";
import { DType, nodeBackend, runOperation } from "./backend";

/** What happens to pixels that come from outside the image, as in Keras. */
export type FillMode = "reflect" | "constant" | "wrap" | "nearest";

/** How `projectiveTransform` reads pixels. */
export interface ResampleOptions {
	/** Where pixels outside the image come from. Default `"reflect"`: the image mirrored at its edge. */
	fillMode?: FillMode;
	/** Default `"bilinear"`. */
	interpolation?: "bilinear" | "nearest";
	/** The value outside the image with `fillMode: "constant"`. Default 0. */
	fillValue?: number;
}

/** Resamples each image through its matrix. tfjs-node has no kernel for `tf.image.transform`; TensorFlow has. */
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

/** TensorFlow's own operation: `tf.node.decodeImage` knows fewer formats. */
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

/** tfjs does not know that what it has are bytes. */
export function toFloats(bytes: tf.Tensor): tf.Tensor {
	return runOperation("Cast", { SrcT: DType.uint8, DstT: DType.float32 }, [bytes]);
}

// RandomFlip, RandomRotation and RandomZoom as tf.layers layers.
import * as tf from "@tensorflow/tfjs-node-gpu";
import { projectiveTransform, type ResampleOptions } from "../tensorflow/image-operations";
import { type Draw, uniformDraws } from "../tensorflow/random";

export interface TransformOptions extends ResampleOptions {
	/** Random seed. Default: a different one each time. */
	seed?: number;
	/** Name of the layer. Default: chosen by tf.layers. */
	name?: string;
	/** `[height, width, channels]`; required for the first layer of a model. Default: none. */
	inputShape?: tf.Shape;
}

/** Range of the random draws, −1 to 1: `x` for −x to x, or `[low, high]`. */
export type Factor = number | [number, number];

/** Base class of the random layers: active in training only, one draw per image, shapes unchanged. */
export abstract class RandomTransform extends tf.layers.Layer {
	/** Name of the constructor's first argument in a saved model. */
	static argument = "factor";
	private readonly drawUniform: Draw;

	constructor(
		private readonly firstArgument: unknown,
		readonly options: TransformOptions,
	) {
		super(options as ConstructorParameters<typeof tf.layers.Layer>[0]);
		this.drawUniform = uniformDraws(this, options.seed);
	}

	/** Draws a transform for each image: float32 `[batch, 8]`, see `rotationMatrices`. */
	abstract matrices(shape: number[]): tf.Tensor2D;

	override call(inputs: tf.Tensor | tf.Tensor[], { training = false }: { training?: boolean } = {}): tf.Tensor {
		return tf.tidy(() => {
			const images = (Array.isArray(inputs) ? inputs[0] : inputs).toFloat() as tf.Tensor4D;
			return training ? projectiveTransform(images, this.matrices(images.shape), this.options) : images;
		});
	}

	/** Returns the settings that layers must share to be composed; empty if the layer composes with all others. */
	resampling(): string[] {
		const { interpolation = "bilinear", fillMode = "reflect", fillValue = 0 } = this.options;
		return [[interpolation, fillMode, fillValue].join()];
	}

	override computeOutputShape(inputShape: tf.Shape): tf.Shape {
		return inputShape;
	}

	/** Draws uniform random numbers from `low` to `high`: float32 `[count]`. */
	protected draw(count: number, [low, high]: [number, number]): tf.Tensor1D {
		return this.drawUniform([count], low, high) as tf.Tensor1D;
	}

	override getConfig(): tf.serialization.ConfigDict {
		const { argument } = this.constructor as typeof RandomTransform;
		return { ...this.options, ...super.getConfig(), [argument]: this.firstArgument } as tf.serialization.ConfigDict;
	}

	static override fromConfig<T extends tf.serialization.Serializable>(
		cls: tf.serialization.SerializableConstructor<T>,
		config: tf.serialization.ConfigDict,
	): T {
		const { argument } = cls as unknown as typeof RandomTransform;
		return new (cls as unknown as new (first: unknown, options: unknown) => T)(config[argument], config);
	}
}

/**
 * Flips each image with a probability of 0.5, as `keras.layers.RandomFlip`.
 *
 * Input and output: float32 `[batch, height, width, channels]`; returns images unchanged unless `training` is true.
 * With both directions each has its own draw (Keras 3 uses one draw for both).
 */
export class RandomFlip extends RandomTransform {
	/** Name of the class in saved models. */
	static className = "RandomFlip";
	static override argument = "mode";

	/**
	 * @param mode `"horizontal"` (left to right), `"vertical"`, or both. Default `"horizontal_and_vertical"`
	 * @param options `seed`, `name` and `inputShape` as in `TransformOptions`
	 * @throws when `mode` is another value
	 */
	constructor(
		private readonly mode: "horizontal" | "vertical" | "horizontal_and_vertical" = "horizontal_and_vertical",
		options: Pick<TransformOptions, "seed" | "name" | "inputShape"> = {},
	) {
		super(mode, options);
		if (["horizontal", "vertical", "horizontal_and_vertical"].includes(mode)) return;
		throw new Error(`RandomFlip: mode is ${mode}: expected "horizontal", "vertical" or "horizontal_and_vertical"`);
	}

	override resampling(): string[] {
		return [];
	}

	override matrices([batch, height, width]: number[]): tf.Tensor2D {
		const flips = () => this.draw(batch, [0, 1]).lessEqual(0.5).toFloat() as tf.Tensor1D;
		const none = tf.zeros([batch]) as tf.Tensor1D;
		const horizontal = this.mode === "vertical" ? none : flips();
		const vertical = this.mode === "horizontal" ? none : flips();
		return flipMatrices(vertical, horizontal, height, width);
	}
}

/**
 * Rotates each image about its centre by a random angle, as `keras.layers.RandomRotation`.
 *
 * Input and output: float32 `[batch, height, width, channels]`; returns images unchanged unless `training` is true.
 */
export class RandomRotation extends RandomTransform {
	/** Name of the class in saved models. */
	static className = "RandomRotation";
	private readonly angles: [number, number];

	/**
	 * @param factor range of the angle as a fraction of 2π: 0.1 draws from −36° to 36°, `[0, 0.25]` from 0° to 90°
	 * @throws when `factor` is outside −1 to 1
	 */
	constructor(factor: Factor, options: TransformOptions = {}) {
		super(factor, options);
		const [low, high] = toRange("RandomRotation: factor", factor);
		this.angles = [low * 2 * Math.PI, high * 2 * Math.PI];
	}

	override matrices([batch, height, width]: number[]): tf.Tensor2D {
		return rotationMatrices(this.draw(batch, this.angles), height, width);
	}
}

/**
 * Zooms each image by a random amount, as `keras.layers.RandomZoom`.
 *
 * Input and output: float32 `[batch, height, width, channels]`; returns images unchanged unless `training` is true.
 */
export class RandomZoom extends RandomTransform {
	/** Name of the class in saved models. */
	static className = "RandomZoom";
	static override argument = "heightFactor";
	private readonly heights: [number, number];
	private readonly widths: [number, number] | null;

	/**
	 * @param heightFactor range of the zoom: 0.1 draws from −0.1 (zoom in by 10 %) to 0.1 (zoom out by 10 %)
	 * @param options `widthFactor`: range of a separate draw for the width, default: the width follows the height
	 * @throws when a factor is outside −1 to 1
	 */
	constructor(heightFactor: Factor, options: TransformOptions & { widthFactor?: Factor } = {}) {
		super(heightFactor, options);
		const zooms = (name: string, factor: Factor) => {
			const [low, high] = toRange(`RandomZoom: ${name}`, factor);
			return [1 + low, 1 + high] as [number, number];
		};
		this.heights = zooms("heightFactor", heightFactor);
		this.widths = options.widthFactor == null ? null : zooms("widthFactor", options.widthFactor);
	}

	override matrices([batch, height, width]: number[]): tf.Tensor2D {
		const heightZoom = this.draw(batch, this.heights);
		const widthZoom = this.widths ? this.draw(batch, this.widths) : heightZoom;
		return zoomMatrices(heightZoom, widthZoom, height, width);
	}
}

for (const layer of [RandomFlip, RandomRotation, RandomZoom]) {
	tf.serialization.registerClass(layer as unknown as tf.serialization.SerializableConstructor<tf.layers.Layer>);
}

/**
 * Returns rows `[a0, a1, a2, b0, b1, b2, 0, 0]`, as `ImageProjectiveTransformV3` takes them: the output pixel (x, y) is
 * read at (a0 x + a1 y + a2, b0 x + b1 y + b2) of the input.
 */
function rotationMatrices(angle: tf.Tensor1D, height: number, width: number): tf.Tensor2D {
	const [w, h] = [width - 1, height - 1];
	const [cos, sin, zero] = [tf.cos(angle), tf.sin(angle), tf.zerosLike(angle)];
	const x = cos.mul(w).sub(sin.mul(h)).neg().add(w).div(2);
	const y = sin.mul(w).add(cos.mul(h)).neg().add(h).div(2);
	return tf.stack([cos, sin.neg(), x, sin, cos, y, zero, zero], 1) as tf.Tensor2D;
}

/** Returns rows as `rotationMatrices`; `vertical` and `horizontal` are 1 for images to flip, 0 for others. */
function flipMatrices(vertical: tf.Tensor1D, horizontal: tf.Tensor1D, height: number, width: number): tf.Tensor2D {
	const zero = tf.zerosLike(vertical);
	const sign = (flipped: tf.Tensor1D) => tf.sub(1, flipped.mul(2));
	const [x, y] = [horizontal.mul(width - 1), vertical.mul(height - 1)];
	return tf.stack([sign(horizontal), zero, x, zero, sign(vertical), y, zero, zero], 1) as tf.Tensor2D;
}

/** Returns rows as `rotationMatrices`, for zooms about the centre. */
function zoomMatrices(heightZoom: tf.Tensor1D, widthZoom: tf.Tensor1D, height: number, width: number): tf.Tensor2D {
	const zero = tf.zerosLike(heightZoom);
	const x = tf.sub(1, widthZoom).mul((width - 1) / 2);
	const y = tf.sub(1, heightZoom).mul((height - 1) / 2);
	return tf.stack([widthZoom, zero, x, zero, heightZoom, y, zero, zero], 1) as tf.Tensor2D;
}

function toRange(name: string, factor: Factor): [number, number] {
	const size = typeof factor === "number" ? Math.abs(factor) : 0;
	const [low, high] = typeof factor === "number" ? [-size, size] : [Math.min(...factor), Math.max(...factor)];
	if (low >= -1 && high <= 1) return [low, high];
	throw new Error(`${name} is ${JSON.stringify(factor)}: expected a number, or two, from -1 to 1`);
}

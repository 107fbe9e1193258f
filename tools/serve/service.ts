// What the routes share.
import type { BytesPrediction, BytesPredictor } from "../../src/evaluation";
import type { Description } from "../../src/export";

/** An image: encoded, or float32 pixels of the model's input. */
export type ServedImage = Uint8Array | Float32Array;

/** The model that is served. */
export interface ServedModel {
	predictor: BytesPredictor;
	/** What a program must know to use it, as exports have it. */
	description: Description;
}

/** What the routes share. */
export interface Service extends ServedModel {
	/** Most bytes of a body. */
	maxBytes: number;
	/**
	 * Classifies images together with those of other requests.
	 *
	 * @param request whose client is answered: images of one that has gone are left out
	 * @throws the error of status 503 when too many wait
	 */
	classify(
		images: ServedImage[],
		request: { raw: { socket?: { destroyed?: boolean } } },
	): Promise<(BytesPrediction | Error)[]>;
}

/** Most images of a request. */
export const MAX_IMAGES = 32;

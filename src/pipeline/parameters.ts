// The hyperparameters of the pipeline.

/** The parameters of a training run, named as in the notebooks. */
export interface TrainingParameters {
	/** The width and height in pixels that pictures are resized to. Default 64. */
	imageSize: number;
	/** Default 32. */
	batchSize: number;
	/** Default 5. */
	epochs: number;
	/** Default 0.001, as in Keras. */
	learningRate: number;
	/** Default 2. */
	patience: number;
	/** Default 42. */
	seed: number;
	/** Whether training pictures are flipped, turned and zoomed at random. Default true. */
	augment: boolean;
	/** The share of hidden units switched off at each step. Default 0.4. */
	dropout: number;
}

/** The pipeline's own values. */
export const DEFAULT_PARAMETERS: TrainingParameters = {
	imageSize: 64,
	batchSize: 32,
	epochs: 5,
	learningRate: 0.001,
	patience: 2,
	seed: 42,
	augment: true,
	dropout: 0.4,
};

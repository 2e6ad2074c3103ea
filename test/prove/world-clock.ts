import { createStepClock } from '../kit/step-clock.js'

/** What the two clocks show as a world begins: numbers that nothing else has, so that a moment is known as one. */
export const START = 1_893_456_000_000
export const BEGAN = 5_000_000_000

export const createWorldClock = () => createStepClock({ wall: START, monotonic: BEGAN })

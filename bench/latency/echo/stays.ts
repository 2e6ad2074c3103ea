import type { Echo } from './echo.js'

/** For libraries without handovers. */
export const stays: Pick<Echo, 'overlapping' | 'move'> = {
  overlapping: () => false,
  move() {
    throw new Error('it does not hand over')
  },
}

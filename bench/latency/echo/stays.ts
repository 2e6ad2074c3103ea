import type { Echo } from './echo.js'

/** Of a library that knows no handovers. */
export const stays: Pick<Echo, 'overlapping' | 'move'> = {
  overlapping: () => false,
  move() {
    throw new Error('it does not hand over')
  },
}

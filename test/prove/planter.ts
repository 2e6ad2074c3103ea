import { join } from 'node:path'
import type { Plugin } from 'vite'
import { planted } from '../kit/mutant.js'
import { ROOT } from '../kit/source-files.js'

/** A mistake that is planted in one file of src/ while it is compiled. */
export interface Plant {
  readonly file: string
  readonly from: string
  readonly to: string
}

export function planter({ file, from, to }: Plant, found: () => void = () => {}): Plugin {
  return {
    name: 'plant',
    enforce: 'pre',
    transform(code, id) {
      if (id !== join(ROOT, 'src', file)) return null
      found()
      return { code: planted(code, from, to, file), map: null }
    },
  }
}

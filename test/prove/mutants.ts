import type { Plant } from './compile.js'

/** Mistakes that somebody could make; the search must see each of them. */
export const MUTANTS: readonly (Plant & { readonly name: string })[] = []

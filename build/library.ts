import { isAbsolute } from 'node:path'
import type { BuildOptions } from 'vite'

/** Compiled into the package: see build/reconnecting-websocket.ts. Every other package is imported at run time. */
const OURS = 'reconnecting-websocket'

/** One file for each module. An application loads only what it imports, and 'use client' stays where it was written. */
export function library(entry: Record<string, string>): BuildOptions {
  return {
    target: 'es2022',
    minify: false,
    sourcemap: true,
    lib: { entry, formats: ['es'] },
    rolldownOptions: {
      external: (id) => !id.startsWith('.') && !id.startsWith('\0') && !isAbsolute(id) && id !== OURS,
      // The bundler warns that 'use client' may be lost; test/package checks that it is not.
      checks: { moduleLevelDirective: false },
      output: {
        preserveModules: true,
        preserveModulesRoot: 'src',
        // npm packs no folder with the name node_modules.
        entryFileNames: ({ name }) => `${name.replace(/^.*node_modules\//, 'packages/')}.js`,
      },
    },
  }
}

import { isAbsolute } from 'node:path'
import type { BuildOptions } from 'vite'

/** Compiled into the package: see build/reconnecting-websocket.ts. Every other package is found where the application has it. */
const OURS = 'reconnecting-websocket'

/** One file a module: what an application does not import it does not load, and 'use client' stays where it was written. */
export function library(entry: Record<string, string>): BuildOptions {
  return {
    target: 'es2022',
    minify: false,
    sourcemap: true,
    lib: { entry, formats: ['es'] },
    rolldownOptions: {
      external: (id) => !id.startsWith('.') && !id.startsWith('\0') && !isAbsolute(id) && id !== OURS,
      // It warns that 'use client' may be lost; test/package sees to it that it is not.
      checks: { moduleLevelDirective: false },
      output: {
        preserveModules: true,
        preserveModulesRoot: 'src',
        // npm packs no folder that is called node_modules.
        entryFileNames: ({ name }) => `${name.replace(/^.*node_modules\//, 'packages/')}.js`,
      },
    },
  }
}

import { isAbsolute } from 'node:path'
import { defineConfig } from 'vite'
import { briefTexts } from './build/brief-texts.js'
import { pageEntries } from './build/entries.js'
import { leanReconnectingWebSocket } from './build/reconnecting-websocket.js'
import { shortNames } from './build/short-names.js'

// The entries that pages load, for production: see docs/architecture.md, "Two builds".
export default defineConfig({
  plugins: [briefTexts({ list: 'texts.json' }), leanReconnectingWebSocket(), shortNames()],
  build: {
    outDir: 'dist/production',
    target: 'es2022',
    minify: false,
    sourcemap: true,
    lib: { entry: pageEntries(), formats: ['es'] },
    rolldownOptions: {
      external: (id) =>
        !id.startsWith('.') && !id.startsWith('\0') && !isAbsolute(id) && id !== 'reconnecting-websocket',
      checks: { moduleLevelDirective: false },
      optimization: { inlineConst: true },
      output: {
        preserveModules: true,
        preserveModulesRoot: 'src',
        // npm packs no folder that is called node_modules.
        entryFileNames: ({ name }) => `${name.replace(/^.*node_modules\//, 'packages/')}.js`,
      },
    },
  },
})

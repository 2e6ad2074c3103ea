import { defineConfig } from 'vite'
import { briefTexts } from './build/brief-texts.js'
import { pageEntries } from './build/entries.js'
import { library } from './build/library.js'
import { licences } from './build/licences.js'
import { leanReconnectingWebSocket } from './build/reconnecting-websocket.js'
import { shortNames } from './build/short-names.js'

const { rolldownOptions = {}, ...rest } = library(pageEntries())

// Builds the entries that pages load, for production: see docs/architecture.md, "Two builds".
export default defineConfig({
  plugins: [briefTexts({ list: 'texts.json' }), leanReconnectingWebSocket(), shortNames(), licences()],
  build: {
    ...rest,
    outDir: 'dist/production',
    rolldownOptions: {
      ...rolldownOptions,
      optimization: { inlineConst: true },
      // Compressed here, because the minifiers of bundlers see less of each module. Names and white space are left to them.
      output: {
        ...rolldownOptions.output,
        minify: { compress: true, mangle: false, codegen: { removeWhitespace: false } },
      },
    },
  },
})

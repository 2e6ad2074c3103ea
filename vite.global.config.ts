import { join } from 'node:path'
import { defineConfig } from 'vite'
import { briefTexts } from './build/brief-texts.js'
import { licences } from './build/licences.js'
import { leanReconnectingWebSocket } from './build/reconnecting-websocket.js'
import { shortNames } from './build/short-names.js'

// The one file for a <script> tag: minified, with everything in it, and `livesocket` as its only global name. With
// `--mode development` it has the long texts of errors.
export default defineConfig(({ mode }) => ({
  plugins: [leanReconnectingWebSocket(), licences(), mode !== 'development' && [briefTexts(), shortNames()]],
  build: {
    target: 'es2022',
    sourcemap: true,
    emptyOutDir: false,
    lib: {
      entry: join(import.meta.dirname, 'src/script-tag/global.ts'),
      formats: ['iife'],
      name: 'livesocket',
      fileName: () => (mode === 'development' ? 'livesocket.global.development.js' : 'livesocket.global.js'),
    },
  },
}))

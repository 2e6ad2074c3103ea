import { join } from 'node:path'
import { defineConfig } from 'vite'

// The one file for a <script> tag: everything in it, minified, and `livesocket` as its only name.
export default defineConfig({
  build: {
    target: 'es2022',
    sourcemap: true,
    emptyOutDir: false,
    lib: {
      entry: join(import.meta.dirname, 'src/vanilla/global.ts'),
      formats: ['iife'],
      name: 'livesocket',
      fileName: () => 'livesocket.global.js',
    },
  },
})

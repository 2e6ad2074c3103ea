import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

const server = 'http://localhost:8080'

export default defineConfig({
  plugins: [react()],
  // The page and its server share an origin, as they do behind a load balancer.
  server: { proxy: { '/login': server, '/token': server, '/live': { target: server, ws: true } } },
})

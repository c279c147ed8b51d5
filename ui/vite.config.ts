import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// In development the engine runs beside: `COUNTERSIGN_URL=http://127.0.0.1:PORT npm run dev`.
const engine = process.env["COUNTERSIGN_URL"];

export default defineConfig({
  plugins: [react()],
  // Nothing inlined as data: URLs and no module-preload script: the content security policy allows 'self' only.
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
    license: { fileName: "licenses.md" },
  },
  server: {
    port: 5173,
    strictPort: true,
    proxy: engine ? { "/api": { target: engine, changeOrigin: true } } : {},
  },
  test: {
    environment: "happy-dom",
    include: ["src/**/*.test.{ts,tsx}", "test/**/*.test.{ts,tsx}"],
    setupFiles: ["test/setup.ts"],
    restoreMocks: true,
    testTimeout: 30_000,
  },
});

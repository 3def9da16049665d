/** The engine contract over its implementations. */
import { createNativeEngine } from "../../workers/engines/native.ts";
import { createWasmEngine } from "../../workers/engines/wasm.ts";
import { engineContract } from "./engine.ts";

engineContract("wasm", () => createWasmEngine());
engineContract("wasm, with warnings", () => createWasmEngine({ warnings: true }));
engineContract("native", () => createNativeEngine());
engineContract("native, with warnings", () => createNativeEngine({ warnings: true }));
engineContract("native, from bytes", async () => {
  const engine = await createNativeEngine();
  return {
    ...engine,
    compile(sources, externals) {
      const { serialised, problems } = engine.compileToBytes(sources, externals);
      return { rules: engine.load(structuredClone(serialised)), problems };
    },
  };
});

// Holds back what is written to the standard error stream while TensorFlow's libraries are loaded: before they read
// TF_CPP_MIN_LOG_LEVEL, they note there that oneDNN is on.
#include <node_api.h>
#include <unistd.h>

#include <cstdio>
#include <string>

static FILE *held = nullptr;
static int original = -1;

// Redirects the stream to a temporary file.
static napi_value Hold(napi_env, napi_callback_info) {
  held = tmpfile();
  if (held == nullptr) return nullptr;
  original = dup(STDERR_FILENO);
  dup2(fileno(held), STDERR_FILENO);
  return nullptr;
}

// Redirects it back, and returns what was written.
static napi_value Release(napi_env env, napi_callback_info) {
  std::string text;
  if (held != nullptr) {
    dup2(original, STDERR_FILENO);
    close(original);
    rewind(held);
    for (int c = fgetc(held); c != EOF; c = fgetc(held)) text.push_back(c);
    fclose(held);
    held = nullptr;
  }
  napi_value result = nullptr;
  napi_create_string_utf8(env, text.data(), text.size(), &result);
  return result;
}

NAPI_MODULE_INIT() {
  napi_property_descriptor functions[] = {
      {"hold", nullptr, Hold, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"release", nullptr, Release, nullptr, nullptr, nullptr, napi_default, nullptr},
  };
  napi_define_properties(env, exports, 2, functions);
  return exports;
}

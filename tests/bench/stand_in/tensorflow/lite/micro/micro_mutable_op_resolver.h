// Stand-in; see micro_common.h beside it. A resolver with TFLM's methods.

#ifndef STAND_IN_MICRO_MUTABLE_OP_RESOLVER_H_
#define STAND_IN_MICRO_MUTABLE_OP_RESOLVER_H_

#include <string.h>

#include "tensorflow/lite/micro/micro_common.h"

STAND_IN_CLASSES_OPEN

class MicroOpResolver {
 public:
  // The registration of a custom op, nullptr without.
  virtual const TFLMRegistration* FindCustom(const char* name) const = 0;
  virtual bool HasBuiltin(int32_t code) const = 0;

 protected:
  ~MicroOpResolver() {}
};

template <unsigned int tOpCount>
class MicroMutableOpResolver : public MicroOpResolver {
 public:
  TfLiteStatus AddCustom(const char* name,
                         const TFLMRegistration* registration) {
    if (count_ >= tOpCount || FindCustom(name) != nullptr) {
      return kTfLiteError;
    }
    entries_[count_] = *registration;
    entries_[count_].builtin_code = kCustom;
    entries_[count_].custom_name = name;
    ++count_;
    return kTfLiteOk;
  }

#define STAND_IN_BUILTIN(method, code) \
  TfLiteStatus method() { return AddBuiltin(code); }
#define STAND_IN_CUSTOM(method, name)    \
  TfLiteStatus method() {                \
    const TFLMRegistration nothing = {}; \
    return AddCustom(name, &nothing);    \
  }
#include "tensorflow/lite/micro/resolver_methods.inc"
#undef STAND_IN_BUILTIN
#undef STAND_IN_CUSTOM

  const TFLMRegistration* FindCustom(const char* name) const override {
    for (unsigned int i = 0; i < count_; ++i) {
      if (entries_[i].builtin_code == kCustom &&
          strcmp(entries_[i].custom_name, name) == 0) {
        return &entries_[i];
      }
    }
    return nullptr;
  }

  bool HasBuiltin(int32_t code) const override {
    for (unsigned int i = 0; i < count_; ++i) {
      if (entries_[i].builtin_code == code) {
        return true;
      }
    }
    return false;
  }

  unsigned int count() const { return count_; }

 private:
  static constexpr int32_t kCustom = 32;

  TfLiteStatus AddBuiltin(int32_t code) {
    if (count_ >= tOpCount || HasBuiltin(code)) {
      return kTfLiteError;
    }
    entries_[count_] = {};
    entries_[count_].builtin_code = code;
    ++count_;
    return kTfLiteOk;
  }

  TFLMRegistration entries_[tOpCount] = {};
  unsigned int count_ = 0;
};

STAND_IN_CLASSES_CLOSE

#endif  // STAND_IN_MICRO_MUTABLE_OP_RESOLVER_H_

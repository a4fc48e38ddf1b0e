// Prints the descriptor of each photo, a line of D numbers, by a network that `placevec export`
// wrote with --resize-inside: describe MODEL.onnx PHOTO...

#include <onnxruntime_cxx_api.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <stdexcept>
#include <string>

namespace {

// RGB pixels, rows x columns x 3, turned as EXIF says.
cv::Mat read_photo(const std::string &path) {
  cv::Mat pixels = cv::imread(path, cv::IMREAD_COLOR);
  if (pixels.empty()) throw std::runtime_error("A photo must be readable. Received: " + path);
  cv::cvtColor(pixels, pixels, cv::COLOR_BGR2RGB);
  return pixels;
}

void print_descriptor(Ort::Session &session, cv::Mat pixels) {
  const std::array<std::int64_t, 4> shape{1, pixels.rows, pixels.cols, 3};
  const auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
  const auto photos = Ort::Value::CreateTensor<std::uint8_t>(
      memory, pixels.data, pixels.total() * pixels.elemSize(), shape.data(), shape.size());
  const char *inputs[] = {"photos"}, *outputs[] = {"descriptors"};
  const auto found = session.Run(Ort::RunOptions{nullptr}, inputs, &photos, 1, outputs, 1);
  const float *descriptor = found.front().GetTensorData<float>();
  const auto dimensions = found.front().GetTensorTypeAndShapeInfo().GetElementCount();
  for (std::size_t i = 0; i < dimensions; ++i) {
    std::printf(i + 1 < dimensions ? "%.9g " : "%.9g\n", descriptor[i]);
  }
}

}  // namespace

int main(int count, char **arguments) {
  if (count < 3) {
    std::fprintf(stderr, "usage: describe MODEL.onnx PHOTO...\n");
    return 2;
  }
  try {
    Ort::Env env(ORT_LOGGING_LEVEL_ERROR, "placevec");
    Ort::Session session(env, arguments[1], Ort::SessionOptions{});
    for (int i = 2; i < count; ++i) print_descriptor(session, read_photo(arguments[i]));
  } catch (const std::exception &error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}

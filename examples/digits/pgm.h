// Reads images in the PGM format, text (P2) or binary (P5).

#ifndef PGM_H
#define PGM_H

#include <cctype>
#include <fstream>
#include <string>
#include <vector>

struct GrayImage {
  int width = 0, height = 0;
  std::vector<float> pixels; // row by row, from 0 to 1
};

/// The next number; -1 if there is none. Comments run from # to the end of the line.
inline long readPgmNumber(std::istream &in) {
  while ((in >> std::ws) && in.peek() == '#')
    in.ignore(1 << 20, '\n');
  long value = -1;
  return in >> value ? value : -1;
}

/// Null, or what is wrong with the file.
inline const char *readPgm(const char *path, GrayImage &image) {
  constexpr long kLargest = 1 << 14; // of width and height: enough for any photo
  std::ifstream in(path, std::ios::binary);
  std::string magic(2, '\0');
  if (!in.read(magic.data(), 2))
    return "cannot be read";
  if (magic != "P2" && magic != "P5")
    return "is no PGM image";
  long width = readPgmNumber(in), height = readPgmNumber(in), brightest = readPgmNumber(in);
  if (width < 1 || height < 1 || width > kLargest || height > kLargest || brightest < 1 || brightest > 255)
    return "has a header that makes no sense";
  image = {static_cast<int>(width), static_cast<int>(height), {}};
  in.get(); // one white space after the header
  for (long i = 0; i < width * height; ++i) {
    long value = magic == "P2" ? readPgmNumber(in) : in.get();
    if (value < 0 || value > brightest)
      return "ends too early, or has a pixel that is too bright";
    image.pixels.push_back(static_cast<float>(value) / static_cast<float>(brightest));
  }
  return nullptr;
}

#endif // PGM_H
